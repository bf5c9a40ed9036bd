from __future__ import annotations

import uuid
from datetime import timedelta

import grpc
import pytest
from google.protobuf import json_format, struct_pb2
from shelfcast.forecast.v1 import prediction_service_pb2, prediction_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import calling_as
from shelfcast_servicekit.status import from_rpc_error
from shelfcast_testing.data_fake import FakeJobService
from shelfcast_testing.model_stack import START, Stack


def stub_of(stack: Stack) -> prediction_service_pb2_grpc.PredictionServiceAsyncStub:
    stub: prediction_service_pb2_grpc.PredictionServiceAsyncStub
    stub = prediction_service_pb2_grpc.PredictionServiceStub(stack.channel)
    return stub


def wish(day: str, store: object, item: object) -> prediction_service_pb2.PredictRequest:
    request = prediction_service_pb2.PredictRequest(date=day)
    json_format.ParseDict(store, request.store)  # type: ignore[arg-type]
    json_format.ParseDict(item, request.item)  # type: ignore[arg-type]
    return request


async def predicted(stack: Stack, day: str, store: object, item: object) -> prediction_service_pb2.Prediction:
    with calling_as(stack.caller):
        accepted = await stub_of(stack).Predict(wish(day, store, item))
    assert accepted.status == job_pb2.JOB_STATUS_PENDING
    await stack.ended(accepted.job_id)
    with calling_as(stack.caller):
        return await stub_of(stack).GetPrediction(
            prediction_service_pb2.GetPredictionRequest(job_id=accepted.job_id)
        )


async def test_a_day_is_predicted_in_the_kept_shape(stack: Stack) -> None:
    stack.load_numbered()
    stack.worker.start()
    ahead = (START + timedelta(days=145)).isoformat()

    done = await predicted(stack, ahead, 1, "7")
    past = await predicted(stack, (START + timedelta(days=100)).isoformat(), 1.0, 7)
    unknown = await predicted(stack, ahead, 99, 7)

    result = json_format.MessageToDict(done.result)
    assert (result["date"], result["store"], result["item"]) == (ahead, 1, "7")
    assert result["predicted_sales"] > 0
    assert result["origin_date"] == (START + timedelta(days=139)).isoformat()
    assert past.result["origin_date"] == (START + timedelta(days=99)).isoformat()
    assert unknown.status == job_pb2.JOB_STATUS_FAILED
    assert unknown.error == "Product 7 is not known in shop 99."


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (prediction_service_pb2.PredictRequest(date="2026-01-01"), "FIELD_MISSING"),
        (wish("2026-02-30", 1, 1), "DATE_MALFORMED"),
        (wish("2026-01-01", True, 1), "FIELD_UNREADABLE"),
        (wish("2026-01-01", 1, ""), "FIELD_RULE_VIOLATED"),
        (
            prediction_service_pb2.PredictRequest(
                date="2026-01-01",
                store=struct_pb2.Value(number_value=float("nan")),
                item=struct_pb2.Value(number_value=1),
            ),
            "FIELD_UNREADABLE",
        ),
    ],
)
async def test_a_bad_wish_is_refused(
    stack: Stack, request_: prediction_service_pb2.PredictRequest, reason: str
) -> None:
    with calling_as(stack.caller), pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub_of(stack).Predict(request_)

    assert from_rpc_error(caught.value).reason == reason


async def test_status_and_lists_count_the_jobs_of_both_services(stack: Stack) -> None:
    with calling_as(stack.caller):
        await stub_of(stack).Predict(wish("2026-01-01", 1, 1))
        status = await stub_of(stack).GetServiceStatus(prediction_service_pb2.GetServiceStatusRequest())
        listed = await stub_of(stack).ListPredictions(
            prediction_service_pb2.ListPredictionsRequest(status=job_pb2.JOB_STATUS_COMPLETED)
        )
        theirs = await stub_of(stack).GetPrediction(
            prediction_service_pb2.GetPredictionRequest(job_id=FakeJobService.job.job_id)
        )

    assert (status.status, status.model_loaded) == ("online", False)
    assert status.active_jobs == 2
    assert dict(status.jobs_by_status) == {
        "pending": 1,
        "processing": 0,
        "completed": 1,
        "failed": 0,
        "cancelled": 0,
    }
    assert status.running_jobs == 1
    assert (listed.total_jobs, listed.filtered_jobs, len(listed.jobs)) == (2, 1, 1)
    assert theirs.status == job_pb2.JOB_STATUS_COMPLETED


async def test_status_goes_on_without_the_data_service(stack: Stack) -> None:
    await stack.data_server.drain(0)

    with calling_as(stack.caller):
        status = await stub_of(stack).GetServiceStatus(prediction_service_pb2.GetServiceStatusRequest())

    assert status.active_jobs == 0


async def test_an_unknown_job_is_not_found_and_one_key_is_one_job(stack: Stack) -> None:
    key = (("idempotency-key", uuid.uuid4().hex),)
    with calling_as(stack.caller):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub_of(stack).GetPrediction(
                prediction_service_pb2.GetPredictionRequest(job_id=str(uuid.uuid4()))
            )
        first = await stub_of(stack).Predict(wish("2026-01-01", 1, 1), metadata=key)
        again = await stub_of(stack).Predict(wish("2026-01-01", 1, 1), metadata=key)
        jobs = await job_service_pb2_grpc.JobServiceStub(stack.channel).ListJobs(
            job_service_pb2.ListJobsRequest(kind="predict")
        )

    assert from_rpc_error(caught.value).reason == "PREDICTION_NOT_FOUND"
    assert first.job_id == again.job_id
    assert [job.job_id for job in jobs.jobs if job.kind == "predict"] == [first.job_id]
