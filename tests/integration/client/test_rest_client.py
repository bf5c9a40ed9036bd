from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from shelfcast_client import (
    ForecastOptions,
    ImportOptions,
    RequestRefused,
    ShelfcastClient,
    SyncShelfcastClient,
)
from shelfcast_client.refusals import FieldRuleViolated, PermissionMissing, SeriesNotFound
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_testing.gateway_stack import Stack
from shelfcast_testing.servicers import ADMIN_KEY, VIEWER_KEY


async def test_a_forecast_comes_as_a_frame_and_again_from_the_cache(client: ShelfcastClient) -> None:
    first = await client.forecast("oat-milk-1l", "berlin-mitte", 3)
    second = await client.forecast("oat-milk-1l", "berlin-mitte", 3)

    assert list(first["predicted_qty"]) == [4.5] * 3
    assert len(first.attrs["trace_id"]) in {0, 32}
    assert "hit" in second.attrs["cache_status"]
    assert second.equals(first)


async def test_an_unknown_series_is_its_own_exception(client: ShelfcastClient) -> None:
    with pytest.raises(SeriesNotFound, match="not known in shop"):
        await client.forecast("unknown", "berlin-mitte")


async def test_a_wrong_horizon_names_its_place(client: ShelfcastClient) -> None:
    with pytest.raises(FieldRuleViolated) as caught:
        await client.forecast("oat-milk-1l", "berlin-mitte", 0, ForecastOptions(quantiles=(0.5,)))

    assert [fault.pointer for fault in caught.value.problem.faults] == ["/horizon"]


async def test_a_key_without_the_permission_is_told_which(stack: Stack) -> None:
    async with ShelfcastClient(stack.base_url, VIEWER_KEY) as viewer:
        with pytest.raises(PermissionMissing, match=r"forecasts\.read"):
            await viewer.forecast("oat-milk-1l", "berlin-mitte")


async def test_a_file_arrives_whole(client: ShelfcastClient, stack: Stack, tmp_path: Path) -> None:
    sales = tmp_path / "sales.csv"
    sales.write_bytes(b"date,product_id,quantity\n" * 120_000)

    job = await client.import_sales(sales, ImportOptions(mapping={"quantity": "units"}, is_dry_run=True))

    assert job.job_id == "import-1"
    assert sum(stack.imports.sizes) == sales.stat().st_size
    assert stack.imports.first is not None
    assert stack.imports.first.dry_run
    assert dict(stack.imports.first.mapping) == {"quantity": "units"}
    assert stack.imports.first.file_name == "sales.csv"


async def test_a_service_that_is_away_is_asked_again(client: ShelfcastClient, stack: Stack) -> None:
    stack.jobs.error = UpstreamUnavailable(service="model", retry_after_seconds=0.01)

    with pytest.raises(RequestRefused) as caught:
        await client.cancel("j-1")

    assert caught.value.problem.status == 503
    assert len(stack.jobs.requests) >= 2


async def test_a_retried_training_is_one_job(client: ShelfcastClient, stack: Stack) -> None:
    job = await client.train()

    assert job.job_id == "job-1"
    assert stack.forecasts.metadata.get("idempotency-key")


async def test_a_notebook_needs_no_event_loop(stack: Stack) -> None:
    def notebook() -> int:
        with SyncShelfcastClient(stack.base_url, ADMIN_KEY) as client:
            return len(client.forecast("oat-milk-1l", shop_id="berlin-mitte", horizon=5))

    assert await asyncio.to_thread(notebook) == 5
