"""A day on which the shop is closed is no day without stock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shelfcast.catalog.v1 import closure_pb2, closure_service_pb2, shop_pb2, shop_service_pb2
from shelfcast.inventory.v1 import inventory_service_pb2 as rpc

from tests.integration.data.test_quality_stock import book

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.data.conftest import Service

HEADER = b"date,shop_id,product_id,quantity,was_available\n"
REPORTED = HEADER + b"2026-03-06,berlin,milk,1,1\n2026-03-07,berlin,milk,0,0\n"
BEFORE = datetime(2026, 2, 20, 12, tzinfo=UTC)


async def empty_shelf(service: Service, opening_weekdays: Sequence[int] = ()) -> None:
    """Make a shop whose milk is gone all week, and reported so on Saturday."""
    shop = shop_pb2.Shop(shop_id="berlin", opening_weekdays=opening_weekdays)  # type: ignore[arg-type]  # numbers of the enum
    request = shop_service_pb2.CreateShopRequest(shop=shop)
    await service.shops.CreateShop(request, timeout=30, metadata=service.auth())
    await service.load(REPORTED)
    await book(service, "RECEIPT", 1, BEFORE)
    await book(service, "SALE", -1, BEFORE)


async def close(service: Service, shop_id: str, start: str, end: str) -> None:
    closure = closure_pb2.Closure(shop_id=shop_id, start_date=start, end_date=end)
    request = closure_service_pb2.CreateClosureRequest(closure=closure)
    await service.closures.CreateClosure(request, timeout=30, metadata=service.auth())


async def days(service: Service) -> list[int]:
    """Give the days without stock of the week of 2 March 2026, a Monday."""
    request = rpc.ListStockoutsRequest(shop_id="berlin", start="2026-03-02", end="2026-03-08")
    reply = await service.inventory.ListStockouts(request, timeout=30, metadata=service.auth())
    return [int(each.date[-2:]) for each in reply.stockouts]


async def test_a_shop_without_opening_days_is_open_every_day(service: Service) -> None:
    await empty_shelf(service)

    assert await days(service) == [2, 3, 4, 5, 6, 7, 8]


async def test_days_on_which_a_shop_never_opens_are_left_out(service: Service) -> None:
    await empty_shelf(service, [1, 2, 3, 4, 5])

    assert await days(service) == [2, 3, 4, 5, 6]


async def test_closures_of_the_shop_are_left_out_and_those_of_others_are_not(service: Service) -> None:
    await empty_shelf(service)
    other = shop_service_pb2.CreateShopRequest(shop=shop_pb2.Shop(shop_id="hamburg"))
    await service.shops.CreateShop(other, timeout=30, metadata=service.auth())
    await close(service, "berlin", "2026-02-01", "2026-03-03")
    await close(service, "berlin", "2026-03-07", "2026-03-07")
    await close(service, "hamburg", "2026-03-05", "2026-03-05")

    assert await days(service) == [4, 5, 6, 8]
