from __future__ import annotations

import pytest
from shelfcast_client import RequestRefused, ShelfcastClient
from shelfcast_testing.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def stranger_key(trained: Product) -> str:
    return trained.new_key("stranger")


async def test_a_stranger_sees_none_of_the_sales(trained: Product, stranger_key: str) -> None:
    async with trained.client(stranger_key) as stranger:
        assert len(await stranger.sales_history()) == 0


async def test_a_stranger_gets_no_forecast_even_from_the_cache(
    trained: Product, client: ShelfcastClient, stranger_key: str
) -> None:
    await client.forecast("oat-milk-1l", "berlin-mitte", horizon=14)

    async with trained.client(stranger_key) as stranger:
        with pytest.raises(RequestRefused) as caught:
            await stranger.forecast("oat-milk-1l", "berlin-mitte", horizon=14)

    assert caught.value.problem.status in {404, 409}


async def test_a_stranger_sees_neither_jobs_nor_models(trained: Product, stranger_key: str) -> None:
    async with trained.client() as owner:
        model_count = len(await owner.models())
    async with trained.client(stranger_key) as stranger:
        assert len(await stranger.models()) == 0
    assert model_count > 0


async def test_a_forged_key_opens_nothing(trained: Product) -> None:
    forged = trained.key[:-4] + "AAAA"

    async with trained.client(forged) as stranger:
        with pytest.raises(RequestRefused) as caught:
            await stranger.models()

    assert caught.value.problem.status == 401
