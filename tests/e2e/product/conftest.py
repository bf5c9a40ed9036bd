"""One running product for all tests here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from shelfcast_client import ShelfcastClient, TrainOptions
from shelfcast_testing.demo import DemoSettings, generate
from shelfcast_testing.product import Product, running_product, until_rung

DEMO = DemoSettings(shop_count=2, product_count=5, day_count=420)
MODELS = ("gru", "factor", "seasonal_naive")


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="session")
def sales_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    generate(DEMO).write_sales(path)
    return path


@pytest.fixture
async def client(product: Product) -> AsyncIterator[ShelfcastClient]:
    async with product.client() as opened:
        yield opened


@pytest.fixture(scope="session")
async def trained(product: Product, sales_file: Path) -> Product:
    """Give the product with the demo sales loaded and models trained on them."""
    async with product.client() as client:
        await client.wait(await client.import_sales(sales_file), timeout_seconds=60)
        job = await client.train(TrainOptions(models=MODELS, promote="force"))
        await client.wait(job, timeout_seconds=150)
        await until_rung(client, ("oat-milk-1l", "berlin-mitte"), "champion")
    return product
