"""A product that is removed for good while something is being booked for it: one of the two gives way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from shelfcast.inventory.v1 import inventory_pb2, inventory_service_pb2
from shelfcast_data.adapters.sql.entries import EntryRows
from shelfcast_data.adapters.sql.stock_counts import StockCountRows
from shelfcast_data.adapters.sql.stock_ledger import StockRows

from tests.integration.data.catalogue_client import Entries, reason_of
from tests.integration.data.test_product_lists import force
from tests.integration.data.test_stock_movements import RECEIPT, move

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

    Booking = Callable[[Service], Coroutine[Any, Any, object]]

pytestmark = [pytest.mark.mysql, pytest.mark.parametrize("database_url", ["mysql"], indirect=True)]

WAITING = """SELECT COUNT(*) FROM information_schema.innodb_trx t
    JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
    WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()"""
FRESH_SECONDS = 0.15
"""The server shows that table as it was at the last look unless nobody has looked for a tenth of a second."""
ORPHANS = """SELECT m.product_id FROM stock_movements m LEFT JOIN products p ON p.product_id = m.product_id
    WHERE p.product_id IS NULL"""


async def receive(service: Service) -> object:
    return await move(service, RECEIPT, product_id="typo", quantity=1)


async def count(service: Service) -> inventory_service_pb2.BulkCountInventoryResponse:
    counted = inventory_pb2.InventoryCount(shop_id="s1", product_id="typo", quantity=3)
    request = inventory_service_pb2.BulkCountInventoryRequest(inventory=[counted])
    return await service.inventory.BulkCountInventory(request, timeout=30, metadata=service.auth())


async def remove(service: Service) -> None:
    await force(service, "typo")


@pytest.fixture
async def shelf(service: Service) -> Service:
    """A service that knows a shop, a product, and one that was made by mistake."""
    await Entries(service, "shop").create(shop_id="s1")
    for product_id in ("oat", "typo"):
        await Entries(service, "product").create(product_id=product_id)
    return service


Amid = Callable[[type, str, "Booking"], "asyncio.Future[object]"]


@pytest.fixture
async def amid(shelf: Service, monkeypatch: pytest.MonkeyPatch) -> Amid:
    """Begin something before a step of a transaction, which goes on once that has ended or waits for it."""
    loop = asyncio.get_running_loop()

    def arranged(owner: type, step: str, begin: Booking) -> asyncio.Future[object]:
        told: asyncio.Future[object] = loop.create_future()
        plain = getattr(owner, step)

        async def begun() -> None:
            try:
                told.set_result(await begin(shelf))
            except grpc.aio.AioRpcError as error:
                told.set_exception(error)

        def stepped(self: object, *given: Any) -> object:  # noqa: ANN401 - as the step
            monkeypatch.setattr(owner, step, plain)
            other = asyncio.run_coroutine_threadsafe(begun(), loop)
            while not other.done() and shelf.rows(WAITING) == [(0,)]:
                wait([other], timeout=FRESH_SECONDS)
            return plain(self, *given)

        monkeypatch.setattr(owner, step, stepped)
        return told

    return arranged


@pytest.mark.parametrize(
    ("book", "owner", "step"),
    [(receive, StockRows, "locked"), (count, StockCountRows, "record")],
    ids=["movement", "sheet"],
)
async def test_a_product_for_which_something_is_being_booked_is_not_removed(
    shelf: Service, amid: Amid, book: Booking, owner: type, step: str
) -> None:
    removal = amid(owner, step, remove)

    await book(shelf)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await removal

    assert reason_of(refused.value) == "PRODUCT_IN_USE"
    assert shelf.rows(ORPHANS) == []


async def test_nothing_is_received_of_a_product_that_is_being_removed(shelf: Service, amid: Amid) -> None:
    receipt = amid(EntryRows, "erase", receive)

    await force(shelf, "typo")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await receipt

    assert reason_of(refused.value) == "PRODUCT_NOT_FOUND"
    assert shelf.rows("SELECT * FROM stock_movements") == []


async def test_nothing_is_counted_of_a_product_that_is_being_removed(shelf: Service, amid: Amid) -> None:
    counting = amid(EntryRows, "erase", count)

    await force(shelf, "typo")
    sheet = await counting

    assert isinstance(sheet, inventory_service_pb2.BulkCountInventoryResponse)
    assert [each.rule for each in sheet.report.rejections] == ["product_id.unknown"]
    assert shelf.rows("SELECT * FROM stock_movements") == []
