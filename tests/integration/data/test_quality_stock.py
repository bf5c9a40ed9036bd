"""Checks that read the stock ledger: levels below zero, and sales of what was not there."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp
from shelfcast.catalog.v1 import shop_pb2, shop_service_pb2
from shelfcast.inventory.v1 import stock_movement_pb2 as pb
from shelfcast.quality.v1 import quality_pb2

from tests.integration.data.test_quality import HEADER, check, findings, rules, scores
from tests.integration.data.test_stock_movements import move

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

TODAY = datetime.now(UTC).date()
NEGATIVE = "QUALITY_RULE_NEGATIVE_STOCK"
WITHOUT_STOCK = "QUALITY_RULE_SALES_WITHOUT_STOCK"


def at_noon(days_ago: int) -> datetime:
    return datetime.combine(TODAY - timedelta(days=days_ago), time(12), UTC)


async def book(service: Service, kind: str, quantity: float, at: datetime, product_id: str = "milk") -> None:
    """Record a movement of a product in Berlin."""
    occurred_at = Timestamp()
    occurred_at.FromDatetime(at)
    await move(
        service,
        pb.StockMovementKind.Value(f"STOCK_MOVEMENT_KIND_{kind}"),
        shop_id="berlin",
        product_id=product_id,
        quantity=quantity,
        occurred_at=occurred_at,
    )


def recent_sales(product_id: str, days: int = 40, quantity: int = 10) -> str:
    """Give the lines of a product that has sold every day up to yesterday."""
    return "".join(
        f"{TODAY - timedelta(days=ago)},berlin,{product_id},{quantity},1.99\n" for ago in range(days, 0, -1)
    )


async def test_a_level_below_zero_is_found_with_its_first_day(service: Service) -> None:
    await service.load((HEADER + recent_sales("milk") + recent_sales("rye")).encode())
    await book(service, "RECEIPT", 5, at_noon(30))
    await book(service, "SALE", -6, at_noon(20))
    await book(service, "RECEIPT", 4, at_noon(15))
    await book(service, "SALE", -5, at_noon(9))
    await book(service, "SALE", -1, at_noon(2))
    await book(service, "RECEIPT", 7, at_noon(3), "rye")

    await check(service)
    (found,) = await findings(service, rule=NEGATIVE)

    assert (found.shop_id, found.product_id) == ("berlin", "milk")
    assert (found.start, found.end) == (str(TODAY - timedelta(days=9)), str(TODAY))
    assert (found.day_count, found.measured, found.usual) == (10, -3, 0)
    assert found.severity == quality_pb2.QUALITY_SEVERITY_ERROR


async def test_a_level_that_is_mended_resolves_its_finding(service: Service) -> None:
    await service.load((HEADER + recent_sales("milk")).encode())
    await book(service, "SALE", -2, at_noon(1))
    await check(service)
    (before,) = await findings(service, rule=NEGATIVE)

    await book(service, "RECEIPT", 2, at_noon(0) - timedelta(hours=23))
    await check(service)

    assert before.severity == quality_pb2.QUALITY_SEVERITY_WARNING
    assert await findings(service, rule=NEGATIVE) == []
    (resolved,) = await findings(service, rule=NEGATIVE, state="FINDING_STATE_RESOLVED")
    assert resolved.finding_id == before.finding_id


async def test_the_day_of_a_level_is_that_of_its_shop(service: Service) -> None:
    shop = shop_pb2.Shop(shop_id="berlin", name="Berlin", time_zone="Asia/Tokyo")
    request = shop_service_pb2.CreateShopRequest(shop=shop)
    await service.shops.CreateShop(request, timeout=30, metadata=service.auth())
    await service.load((HEADER + recent_sales("milk")).encode())
    late = datetime.combine(TODAY - timedelta(days=5), time(20), UTC)
    await book(service, "SALE", -2, late)

    await check(service)
    (found,) = await findings(service, rule=NEGATIVE)

    assert found.start == str(TODAY - timedelta(days=4))


async def test_sales_of_what_the_ledger_did_not_have_are_found(service: Service) -> None:
    await service.load((HEADER + recent_sales("milk")).encode())
    await book(service, "RECEIPT", 3, at_noon(35))
    await book(service, "WASTE", -3, at_noon(20))
    await book(service, "RECEIPT", 500, at_noon(16))

    await check(service)
    (found,) = await findings(service, rule=WITHOUT_STOCK)
    (berlin,) = await scores(service)

    assert (found.start, found.end) == (str(TODAY - timedelta(days=19)), str(TODAY - timedelta(days=17)))
    assert (found.day_count, found.measured) == (3, 10)
    assert (berlin.series_day_count, berlin.faulty_day_count) == (40, 3)


async def test_one_day_without_stock_may_be_a_late_booking(service: Service) -> None:
    await service.load((HEADER + recent_sales("milk")).encode())
    await book(service, "RECEIPT", 3, at_noon(35))
    await book(service, "WASTE", -3, at_noon(20))
    await book(service, "RECEIPT", 500, at_noon(18))

    await check(service)

    assert rules(await findings(service)) == []


async def test_a_product_without_a_ledger_is_not_said_to_be_without_stock(service: Service) -> None:
    await service.load((HEADER + recent_sales("milk") + recent_sales("rye")).encode())
    await book(service, "RECEIPT", 500, at_noon(60), "rye")

    await check(service)

    assert rules(await findings(service)) == []
