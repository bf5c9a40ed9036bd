"""Parts that die in mid-run: nothing is lost, replies say what they are made of, and all heals by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from shelfcast_client import Job, ShelfcastClient, TrainOptions
from shelfcast_testing.demo import DemoSettings, generate
from shelfcast_testing.product import Product, until_rung

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

SERIES = ("oat-milk-1l", "berlin-mitte")


async def until_processing(client: ShelfcastClient, job: Job, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while (await client.job(job.job_id)).status == "pending":
            await asyncio.sleep(0.1)


async def test_a_dead_model_service_leaves_the_last_good_forecast_and_comes_back(
    trained: Product, client: ShelfcastClient
) -> None:
    good = await client.forecast(*SERIES, horizon=7)

    trained.kill("shelfcast_model", "serve")
    meanwhile = await client.forecast(*SERIES, horizon=7)

    assert set(meanwhile["rung"]) <= {"last_good", "champion"}
    assert list(meanwhile["predicted_qty"]) == list(good["predicted_qty"])
    await until_rung(client, SERIES, "champion")
    assert len(await client.forecast(*SERIES, horizon=17)) == 17


async def test_a_dead_redis_makes_replies_slower_and_never_wrong(
    trained: Product, client: ShelfcastClient
) -> None:
    good = await client.forecast(*SERIES, horizon=7)

    trained.kill("valkey-server")
    meanwhile = await client.forecast(*SERIES, horizon=7)

    assert list(meanwhile["predicted_qty"]) == list(good["predicted_qty"])
    assert set(meanwhile["rung"]) == {"champion"}
    await until_rung(client, SERIES, "champion")


async def test_an_import_outlives_its_worker(
    trained: Product, client: ShelfcastClient, tmp_path: Path
) -> None:
    sales = tmp_path / "more.csv"
    retailer = generate(DemoSettings(seed=9, shop_count=4, product_count=30, day_count=400))
    retailer.write_sales(sales)
    tenant = trained.new_key("worker-test")

    async with trained.client(tenant) as other:
        job = await other.import_sales(sales)
        await until_processing(other, job)
        trained.kill("shelfcast_data", "worker")
        await other.wait(job, timeout_seconds=120)
        report = await other.import_report(job.job_id)
        stored = await other.sales_history("oat-milk-1l", "berlin-mitte")

    assert report.accepted_count + report.repeated_count == retailer.sales.height
    assert len(stored) == retailer.sales.filter(product_id="oat-milk-1l", shop_id="berlin-mitte").height


async def test_a_training_outlives_worker_and_redis(trained: Product, client: ShelfcastClient) -> None:
    job = await client.train(TrainOptions(models=("factor", "seasonal_naive"), promote="never"))
    await until_processing(client, job)

    trained.kill("shelfcast_model", "worker")
    trained.kill("valkey-server")
    ended = await client.wait(job, timeout_seconds=120)

    assert ended.status == "completed"


async def test_a_job_handed_in_without_redis_runs_when_it_is_back(
    trained: Product, client: ShelfcastClient
) -> None:
    trained.kill("valkey-server")
    job = await client.train(TrainOptions(models=("seasonal_naive",), promote="never"))

    ended = await client.wait(job, timeout_seconds=120)

    assert ended.status == "completed"
