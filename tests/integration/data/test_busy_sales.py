"""Many single sales and reads at once, from several processes of the service."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import grpc
import pytest
from shelfcast.sales.v1 import data_version_service_pb2 as versions_pb2
from shelfcast.sales.v1 import sale_service_pb2
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.record_sales import SalesBook
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.transact import Transactor

from tests.integration.data.test_sales import HEADER, create, history, sale
from tests.integration.data.test_undo import undo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.data.conftest import Service

T = TypeVar("T")

BOTH = {"shop_id": "s1", "product_id": "oat-milk-1l"}


class Silent:
    async def announce(self, tenant: str, version: str) -> None:
        """Tell nobody, as if Redis were away."""


class FailsLater(Transactor[DataTx]):
    """Stores one group; then the database is away."""

    count = 0

    async def transact(self, work: Callable[[DataTx], T]) -> T:
        self.count += 1
        if self.count > 1:
            raise UpstreamUnavailable(retry_after_seconds=1.0, service="database")
        return await super().transact(work)


@pytest.fixture
async def elsewhere(service: Service) -> AsyncIterator[SalesBook]:
    """Give the sales book of another process on the same database."""
    executor = BlockingExecutor("elsewhere", 2)
    yield SalesBook(Transactor(service.worker_engine, executor, DataTx), Silent())
    executor.close()


async def quantities(service: Service, **fields: str) -> list[float]:
    return [each.quantity for each in (await history(service, **BOTH, **fields)).sales]


async def test_sales_that_come_at_once_share_versions_and_none_is_lost(service: Service) -> None:
    made = await asyncio.gather(
        *(
            create(service, product_id=f"p{number % 20}", quantity=float(number // 20 + 1))
            for number in range(60)
        )
    )

    found = await history(service, page_size=100)
    assert {(each.product_id, each.quantity) for each in made} == {
        (f"p{number % 20}", float(number // 20 + 1)) for number in range(60)
    }
    assert [each.product_id for each in found.sales] == sorted(f"p{number}" for number in range(20))
    assert service.rows("SELECT COUNT(*) FROM sales") == [(60,)]  # three versions of each day
    versions = await service.versions.ListDataVersions(
        versions_pb2.ListDataVersionsRequest(page_size=100), timeout=30, metadata=service.auth()
    )
    assert len(versions.data_versions) < 60
    assert sum(each.row_count for each in versions.data_versions) == 60


async def test_a_refused_change_holds_up_none_of_those_beside_it(service: Service) -> None:
    kept = await create(service)

    async def correct(sale_id: str, **fields: float | str) -> str:
        request = sale_service_pb2.UpdateSaleRequest(sale_id=sale_id, sale=sale(**fields))
        try:
            await service.sales.UpdateSale(request, timeout=30, metadata=service.auth())
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        return "OK"

    outcomes = await asyncio.gather(
        correct("s999-20170930"),
        correct(kept.sale_id, quantity=6.0),
        correct(kept.sale_id, shop_id="s2"),
        *(create(service, product_id=f"p{number}") for number in range(5)),
    )

    assert outcomes[:3] == ["NOT_FOUND", "OK", "INVALID_ARGUMENT"]
    assert await quantities(service) == [6.0]
    assert len((await history(service)).sales) == 6


async def test_an_error_of_a_later_group_is_not_told_to_those_who_are_stored(service: Service) -> None:
    executor = BlockingExecutor("elsewhere", 2)
    book = SalesBook(FailsLater(service.worker_engine, executor, DataTx), Silent())
    first, second = (SaleKey("s1", name, date(2017, 9, 30)) for name in ("oats", "milk"))

    outcomes = await asyncio.gather(
        *(
            book.record("acme", key, SaleFacts(n * 1_000_000))
            for n, key in enumerate((first, second, first), 1)
        ),
        return_exceptions=True,
    )
    executor.close()

    assert [type(each) for each in outcomes] == [Sale, Sale, UpstreamUnavailable]
    assert [each.quantity for each in (await history(service)).sales] == [2.0, 1.0]


async def test_a_history_that_is_remembered_shows_what_others_have_changed(
    service: Service, elsewhere: SalesBook
) -> None:
    await create(service)
    key = SaleKey("s1", "oat-milk-1l", date(2017, 9, 30))
    assert await quantities(service) == await quantities(service) == [5.0]

    corrected = await elsewhere.record("acme", key, SaleFacts(7_000_000))
    assert await quantities(service) == [7.0]
    loaded = await service.load(HEADER + b"2017-09-30,s1,oat-milk-1l,9,,,\n2017-10-01,s1,oat-milk-1l,1,,,\n")
    assert await quantities(service) == [9.0, 1.0]
    await undo(service, loaded.import_id)
    assert await quantities(service) == [7.0]
    await elsewhere.withdraw("acme", corrected.sale_id)
    assert await quantities(service) == []
