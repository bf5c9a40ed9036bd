from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from shelfcast.forecast.v1 import forecast_service_pb2_grpc
from shelfcast.ingestion.v1 import import_service_pb2_grpc
from shelfcast.jobs.v1 import job_service_pb2_grpc
from shelfcast_client import (
    ForecastOptions,
    GrpcShelfcastClient,
    ImportOptions,
    RetryPolicy,
    ServiceUnreachable,
    TrainOptions,
)
from shelfcast_client.refusals import CredentialInvalid, FieldRuleViolated, SeriesNotFound
from shelfcast_servicekit.auth import Caller, ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.server import start_server
from shelfcast_testing.gateway_stack import KEY, registration
from shelfcast_testing.redis_process import free_port
from shelfcast_testing.servicers import PERMISSIONS, Forecasts, Imports, Jobs

QUICK = RetryPolicy(attempt_count=3, first_wait_seconds=0.01)


@dataclass
class House:
    """One server with the three services that the client calls."""

    target: str
    token: str
    forecasts: Forecasts = field(default_factory=Forecasts)
    imports: Imports = field(default_factory=Imports)
    jobs: Jobs = field(default_factory=Jobs)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    caller = Caller("acme", "api-key:admin000", frozenset(PERMISSIONS))
    port = free_port()
    made = House(f"127.0.0.1:{port}", TokenMinter(KEY.encode()).token_for(caller, "model"))
    parts = [
        registration(forecast_service_pb2_grpc, "ForecastService", "forecast", made.forecasts),
        registration(import_service_pb2_grpc, "ImportService", "ingestion", made.imports),
        registration(job_service_pb2_grpc, "JobService", "jobs", made.jobs),
    ]
    server = await start_server(parts, ChainVerifier(TokenVerifier(KEY.encode(), "model")), port=port)
    yield made
    await server.drain(0)


@pytest.fixture
async def client(house: House) -> AsyncIterator[GrpcShelfcastClient]:
    async with GrpcShelfcastClient(
        house.target, house.token, data_target=house.target, retries=QUICK
    ) as opened:
        yield opened


async def test_a_forecast_comes_as_a_frame(client: GrpcShelfcastClient) -> None:
    frame = await client.forecast("oat-milk-1l", "berlin-mitte", 3, ForecastOptions(quantiles=(0.5,)))

    assert list(frame["predicted_qty"]) == [4.5] * 3
    assert set(frame["rung"]) == {"champion"}


async def test_a_batch_of_nothing_is_an_empty_frame(client: GrpcShelfcastClient) -> None:
    assert len(await client.forecast_batch(["oat-milk-1l"])) == 0


async def test_a_large_page_of_a_batch_comes_whole(client: GrpcShelfcastClient, house: House) -> None:
    for number in range(1000):
        forecast = house.forecasts.batch.forecasts.add(product_id=f"{number}-" + "x" * 5000)
        forecast.predictions.add(date="2026-01-02", predicted_qty=1.0)

    assert len(await client.forecast_batch()) == 1000


async def test_an_unknown_series_is_its_own_exception(client: GrpcShelfcastClient) -> None:
    with pytest.raises(SeriesNotFound, match="berlin-mitte") as caught:
        await client.forecast("unknown", "berlin-mitte")

    assert caught.value.problem.status == 404


async def test_a_wrong_horizon_names_its_place(client: GrpcShelfcastClient) -> None:
    with pytest.raises(FieldRuleViolated) as caught:
        await client.forecast("oat-milk-1l", "berlin-mitte", 1000)

    assert [fault.pointer.strip("/") for fault in caught.value.problem.faults] == ["horizon"]


async def test_a_forged_credential_is_refused(house: House) -> None:
    async with GrpcShelfcastClient(house.target, "sk_forged00_" + "x" * 43, retries=QUICK) as stranger:
        with pytest.raises(CredentialInvalid):
            await stranger.forecast("oat-milk-1l", "berlin-mitte")


async def test_an_upload_begins_with_its_fields(
    client: GrpcShelfcastClient, house: House, tmp_path: Path
) -> None:
    sales = tmp_path / "sales.csv"
    sales.write_bytes(b"date,product_id,quantity\n" * 120_000)

    job = await client.import_sales(sales, ImportOptions(shop_id="berlin-mitte"))

    assert job.job_id == "import-1"
    assert house.imports.first is not None
    assert (house.imports.first.file_name, house.imports.first.shop_id) == ("sales.csv", "berlin-mitte")
    assert sum(house.imports.sizes) == sales.stat().st_size
    assert max(house.imports.sizes) <= 1 << 20


async def test_a_training_is_sent_with_a_key(client: GrpcShelfcastClient, house: House) -> None:
    job = await client.train(TrainOptions(models=("gru",), promote="never", seed=3))

    assert (job.kind, job.status) == ("train", "pending")
    assert house.forecasts.metadata["idempotency-key"]


async def test_a_service_that_is_away_is_asked_again(client: GrpcShelfcastClient, house: House) -> None:
    house.jobs.error = UpstreamUnavailable(service="data", retry_after_seconds=0.01)

    with pytest.raises(Exception, match="data"):
        await client.job("j-1")

    assert len(house.jobs.requests) == QUICK.attempt_count


async def test_nobody_at_the_address_is_told() -> None:
    async with GrpcShelfcastClient(f"127.0.0.1:{free_port()}", "sk_x", retries=QUICK) as client:
        with pytest.raises(ServiceUnreachable):
            await client.job("j-1")
