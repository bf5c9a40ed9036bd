from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from shelfcast.common.v1 import provenance_pb2
from shelfcast.jobs.v1 import job_pb2
from shelfcast.registry.v1 import model_pb2, model_service_pb2, model_service_pb2_grpc
from shelfcast_servicekit.auth import calling_as
from shelfcast_servicekit.status import from_rpc_error
from shelfcast_testing.model_stack import Stack


async def models_of(stack: Stack) -> list[model_pb2.Model]:
    stub = model_service_pb2_grpc.ModelServiceStub(stack.channel)
    with calling_as(stack.caller):
        return list((await stub.ListModels(model_service_pb2.ListModelsRequest())).models)


async def promote(stack: Stack, model_id: str) -> model_pb2.Model:
    stub = model_service_pb2_grpc.ModelServiceStub(stack.channel)
    with calling_as(stack.caller):
        return await stub.PromoteModel(model_service_pb2.PromoteModelRequest(model_id=model_id))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_training_makes_a_champion_that_serves(stack: Stack) -> None:
    stack.load()
    stack.worker.start()

    job = await stack.ended((await stack.retrain()).job_id, 150)

    assert job.status == job_pb2.JOB_STATUS_COMPLETED, stack.worker.log()
    models = await models_of(stack)
    assert {m.forecaster for m in models} == {"seasonal_naive", "factor", "lightgbm", "gru"}
    assert all(m.metrics.HasField("wql") and m.decision for m in models)
    champion = next(m for m in models if m.stage == model_pb2.MODEL_STAGE_CHAMPION)
    assert job.result["champion"] == champion.forecaster
    await stack.champion_serves(champion.forecaster, 120)
    reply = await stack.get(product_id="oats")
    assert reply.model_version == champion.model_version
    gru = next(m for m in models if m.forecaster == "gru")
    await promote(stack, gru.model_id)
    await stack.champion_serves("gru", 120)


async def test_a_promotion_is_taken_up_without_a_failed_request(stack: Stack) -> None:
    stack.load()
    factor = await stack.crown("factor")
    await stack.crown("seasonal_naive")
    await stack.champion_serves("seasonal_naive")

    promoted = await promote(stack, factor.model_id)
    await stack.champion_serves("factor")

    assert promoted.stage == model_pb2.MODEL_STAGE_CHAMPION
    assert promoted.decision == "Promoted by api-key:test."


async def test_a_damaged_champion_leaves_the_statistical_rung(stack: Stack, tmp_path: Path) -> None:
    stack.load()
    manifest = tmp_path / "store" / (await stack.crown("seasonal_naive")).artefact_path / "MANIFEST.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    stack.application._shelf._slots.clear()

    reply = await stack.get(product_id="oats")

    assert (reply.rung, reply.method) == (provenance_pb2.RUNG_STATISTICAL, "factor")


async def test_a_damaged_model_is_not_promoted(stack: Stack, tmp_path: Path) -> None:
    stack.load()
    model = await stack.crown("seasonal_naive")
    (tmp_path / "store" / model.artefact_path / "MANIFEST.json").unlink()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await promote(stack, model.model_id)

    assert from_rpc_error(caught.value).reason == "MODEL_REFUSED"


async def test_an_unknown_model_is_not_found(stack: Stack) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await promote(stack, "nobody")

    assert from_rpc_error(caught.value).reason == "MODEL_NOT_FOUND"


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_killed_worker_loses_no_training(stack: Stack) -> None:
    stack.load()
    stack.worker.start()
    job = await stack.retrain(models=["gru"])
    await stack.wait_for(job.job_id, lambda seen: seen.phase.startswith("fitting"))

    stack.worker.kill()
    stack.worker.start()
    ended = await stack.ended(job.job_id, 150)

    assert ended.status == job_pb2.JOB_STATUS_COMPLETED, stack.worker.log()
    assert ended.attempt == 2
    assert len(await models_of(stack)) == 1


async def test_without_sales_a_training_fails_with_its_reason(stack: Stack) -> None:
    stack.worker.start()

    job = await stack.ended((await stack.retrain()).job_id)

    assert job.status == job_pb2.JOB_STATUS_FAILED
    assert job.error["code"] == "HISTORY_EMPTY"
