"""Prices, promotions and closures by date, suppliers' terms, shops' weekdays, holidays; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest
from shelfcast.catalog.v1 import holiday_service_pb2, promotion_pb2, weekday_pb2

from tests.integration.data.catalogue_client import Entries, facts_of, faults_of, reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

PROMOTION: dict[str, Any] = {
    "name": "Easter",
    "kind": promotion_pb2.PROMOTION_KIND_PRICE_CUT,
    "product_ids": ["oat"],
    "discount_pct": 20.0,
    "start_date": "2026-03-02",
    "end_date": "2026-03-08",
}


@pytest.fixture
async def shop(service: Service) -> Service:
    """Give a service that knows a product, two shops and a supplier."""
    await Entries(service, "product").create(product_id="oat")
    for shop_id in ("mitte", "altona"):
        await Entries(service, "shop").create(shop_id=shop_id)
    await Entries(service, "supplier").create(supplier_id="meyer")
    return service


async def price(service: Service, start: str, end: str | None, **fields: Any) -> Any:  # noqa: ANN401 - a message
    values = {"product_id": "oat", "price": 1.0, "currency_code": "EUR", "start_date": start}
    return await Entries(service, "price_change").create(**{**values, "end_date": end, **fields})


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-05", "2026-03-05"),
        ("2026-02-01", "2026-03-02"),
        ("2026-03-08", None),
        ("2026-01-01", None),
        ("2026-01-01", "2026-12-31"),
    ],
)
async def test_two_prices_on_one_day_are_refused_and_the_clash_is_named(
    shop: Service, start: str, end: str | None
) -> None:
    await price(shop, "2026-03-02", "2026-03-08", price_change_id="march")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await price(shop, start, end)

    assert reason_of(caught.value) == "PRICE_CHANGE_OVERLAPS"
    assert facts_of(caught.value) == {
        "price_change_id": "march",
        "start_date": "2026-03-02",
        "end_date": "2026-03-08",
    }


async def test_prices_on_other_days_or_of_other_shops_go_together(shop: Service) -> None:
    await price(shop, "2026-03-02", "2026-03-08", price_change_id="b")

    await price(shop, "2026-03-09", None, price_change_id="c")
    await price(shop, "2026-02-01", "2026-03-01", price_change_id="a")
    await price(shop, "2026-03-02", "2026-03-08", price_change_id="d", shop_id="mitte")

    prices = Entries(shop, "price_change")
    assert await prices.ids() == ["a", "b", "d", "c"]
    assert await prices.ids(order_by="-start_date") == ["c", "d", "b", "a"]
    assert await prices.ids(shop_id="mitte") == ["d"]
    assert await prices.ids(shop_id="", start_date="2026-03-08", end_date="2026-03-09") == ["b", "c"]
    assert await prices.ids(product_id="oat", end_date="2026-02-01") == ["a"]


async def test_the_days_of_a_deleted_price_are_free_until_it_comes_back(shop: Service) -> None:
    prices = Entries(shop, "price_change")
    await price(shop, "2026-03-02", "2026-03-08", price_change_id="march")
    await prices.delete(price_change_id="march")
    await price(shop, "2026-03-02", "2026-03-08", price_change_id="again")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await prices.update({"price_change_id": "march"}, price=2.0)

    assert facts_of(caught.value)["price_change_id"] == "again"


async def test_a_price_is_moved_within_its_own_days(shop: Service) -> None:
    await price(shop, "2026-03-02", "2026-03-08", price_change_id="march")

    changed = await Entries(shop, "price_change").update({"price_change_id": "march"}, "end_date")

    assert not changed.HasField("end_date")


async def test_all_faults_of_a_price_are_named_at_once(shop: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await price(shop, "2026-03-08", "2026-03-02", price=-1.0, currency_code="euro")

    assert faults_of(caught.value) == [
        ("/price_change/price", "price.range"),
        ("/price_change/currency_code", "currency.form"),
        ("/price_change/end_date", "end_date.order"),
    ]


async def test_dates_that_are_none_are_named(shop: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await price(shop, "2026-02-30", "soon")

    assert reason_of(caught.value) == "DATE_MALFORMED"
    assert faults_of(caught.value) == [
        ("/price_change/start_date", "date"),
        ("/price_change/end_date", "date"),
    ]


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"discount_pct": 0.0}, [("/promotion/discount_pct", "discount_pct.range")]),
        ({"discount_pct": 100.1}, [("/promotion/discount_pct", "discount_pct.range")]),
        ({"discount_pct": None}, [("/promotion/discount_pct", "discount_pct.either")]),
        (
            {"promo_price": 1.0},
            [
                ("/promotion/currency_code", "currency.required"),
                ("/promotion/discount_pct", "discount_pct.either"),
            ],
        ),
        ({"product_ids": []}, [("/promotion/product_ids", "product_ids.required")]),
        ({"product_ids": ["oat", "oat"]}, [("/promotion/product_ids/1", "list.unique")]),
        (
            {"product_ids": ["oat", "rye"], "shop_ids": ["kiel"], "category_ids": ["x"]},
            [
                ("/promotion/shop_ids/0", "shop_id.known"),
                ("/promotion/product_ids/1", "product_id.known"),
                ("/promotion/category_ids/0", "category_id.known"),
            ],
        ),
        ({"end_date": "2026-03-01"}, [("/promotion/end_date", "end_date.order")]),
    ],
)
async def test_a_bad_promotion_is_refused(
    shop: Service, fields: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(shop, "promotion").create(**{**PROMOTION, **fields})

    assert faults_of(caught.value) == faults


async def test_promotions_are_found_by_their_days(shop: Service) -> None:
    promotions = Entries(shop, "promotion")
    await Entries(shop, "category").create(category_id="dairy", name="dairy")
    await promotions.create(promotion_id="easter", **PROMOTION)
    await promotions.create(
        **{
            **PROMOTION,
            "promotion_id": "may",
            "product_ids": [],
            "category_ids": ["dairy"],
            "discount_pct": None,
            "promo_price": 0.99,
            "currency_code": "EUR",
            "start_date": "2026-05-01",
            "end_date": "2026-05-01",
        }
    )

    assert await promotions.ids() == ["easter", "may"]
    assert await promotions.ids(start_date="2026-03-09") == ["may"]
    assert await promotions.ids(start_date="2026-03-08", end_date="2026-04-30") == ["easter"]


ODD: Final = ['oat"', "Öl, 1 l", ","]


async def test_promotions_are_found_by_the_products_and_shops_that_they_name(shop: Service) -> None:
    promotions = Entries(shop, "promotion")
    await Entries(shop, "category").create(category_id="dairy", name="dairy")
    for product_id in ODD:
        await Entries(shop, "product").create(product_id=product_id)
    for promotion_id, fields in {
        "all": {"product_ids": ["oat"]},
        "mitte": {"product_ids": [*ODD[:2], "oat"], "shop_ids": ["mitte"]},
        "both": {"product_ids": ODD[:2], "shop_ids": ["altona", "mitte"]},
        "dairy": {"product_ids": [], "category_ids": ["dairy"], "shop_ids": ["altona"]},
        "gone": {"product_ids": ["oat"]},
    }.items():
        await promotions.create(**{**PROMOTION, "promotion_id": promotion_id, **fields})
    await promotions.delete(promotion_id="gone")

    assert await promotions.ids(product_id="oat") == ["all", "mitte"]
    assert [await promotions.ids(product_id=each) for each in ODD] == [["both", "mitte"]] * 2 + [[]]
    assert [await promotions.ids(product_id=each) for each in ("Oat", "oa", "öl, 1 l")] == [[]] * 3
    assert await promotions.ids(product_id="") == ["dairy"]
    assert await promotions.ids(shop_id="mitte") == ["both", "mitte"]
    assert await promotions.ids(shop_id="") == ["all"]
    assert await promotions.ids(shop_id="mitte", product_id="oat", end_date="2026-03-02") == ["mitte"]
    assert await promotions.ids(product_id="oat", show_deleted=True) == ["all", "gone", "mitte"]


async def test_pages_of_the_promotions_of_a_product_go_on(shop: Service) -> None:
    promotions = Entries(shop, "promotion")
    await Entries(shop, "product").create(product_id="rye")
    for number in range(5):
        await promotions.create(**{**PROMOTION, "promotion_id": str(number)})
        await promotions.create(**{**PROMOTION, "promotion_id": f"other {number}", "product_ids": ["rye"]})

    first = await promotions.page(product_id="oat", page_size=3)
    rest = await promotions.ids(product_id="oat", page_size=3, page_token=first.next_page_token)

    assert ([each.promotion_id for each in first.promotions], rest) == (["0", "1", "2"], ["3", "4"])


async def test_closures_are_found_by_shop_and_days(shop: Service) -> None:
    closures = Entries(shop, "closure")
    week = {"start_date": "2026-03-02", "end_date": "2026-03-08"}
    await closures.create(closure_id="refit", shop_id="mitte", reason="Refit", **week)
    await closures.create(closure_id="flood", shop_id="altona", **week)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await closures.create(shop_id="kiel", **week)

    assert await closures.ids(shop_id="mitte") == ["refit"]
    assert await closures.ids(shop_id="mitte", start_date="2026-03-09") == []
    assert faults_of(caught.value) == [("/closure/shop_id", "shop_id.known")]


async def test_terms_keep_their_breaks_in_order(shop: Service) -> None:
    terms = Entries(shop, "terms")
    breaks = [{"minimum_quantity": 0.0, "unit_cost": 0.9}, {"minimum_quantity": 48.0, "unit_cost": 0.805}]
    made = await terms.create(supplier_id="meyer", product_id="oat", currency_code="EUR", cost_breaks=breaks)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await terms.update({"supplier_id": "meyer", "product_id": "oat"}, cost_breaks=breaks[::-1])

    assert [(each.minimum_quantity, each.unit_cost) for each in made.cost_breaks] == [
        (0.0, 0.9),
        (48.0, 0.805),
    ]
    assert await terms.ids(supplier_id="meyer") == ["oat"]
    assert faults_of(caught.value) == [("/terms/cost_breaks/1/minimum_quantity", "cost_breaks.order")]


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ({"supplier_id": "nobody", "product_id": "oat"}, "SUPPLIER_NOT_FOUND"),
        ({"supplier_id": "meyer", "product_id": "rye"}, "FIELD_RULE_VIOLATED"),
        ({"supplier_id": "meyer"}, "ID_MALFORMED"),
    ],
)
async def test_terms_need_their_supplier_and_product(shop: Service, ids: dict[str, str], reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(shop, "terms").create(**ids)

    assert reason_of(caught.value) == reason


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"contact_email": "meyer"}, ("/supplier/contact_email", "contact_email.form")),
        ({"lead_time_days": -1}, ("/supplier/lead_time_days", "lead_time_days.range")),
        ({"minimum_order_value": 50.0}, ("/supplier/currency_code", "currency.required")),
        (
            {"order_weekdays": [weekday_pb2.WEEKDAY_MONDAY, weekday_pb2.WEEKDAY_MONDAY]},
            ("/supplier/order_weekdays/1", "list.unique"),
        ),
        ({"order_weekdays": [0]}, ("/supplier/order_weekdays/0", "enum.not_in")),
        ({"order_weekdays": [8]}, ("/supplier/order_weekdays/0", "enum.defined_only")),
    ],
)
async def test_a_bad_supplier_is_refused(
    service: Service, fields: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(service, "supplier").create(**fields)

    assert faults_of(caught.value) == [fault]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"country_code": "de"}, ("/shop/country_code", "country_code.form")),
        ({"subdivision_code": "BE"}, ("/shop/country_code", "country_code.required")),
    ],
)
async def test_a_shop_without_a_sound_place_is_refused(
    service: Service, fields: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(service, "shop").create(**fields)

    assert faults_of(caught.value) == [fault]


async def holidays(service: Service, country: str, part: str | None = None) -> list[str]:
    request = holiday_service_pb2.ListHolidaysRequest(country_code=country, subdivision_code=part, year=2026)
    found = await service.holidays.ListHolidays(request, timeout=30, metadata=service.auth())
    return [each.date for each in found.holidays]


async def test_holidays_are_those_of_the_place(service: Service) -> None:
    germany, berlin = await holidays(service, "DE"), await holidays(service, "DE", "BE")

    assert germany == sorted(germany)
    assert {"2026-01-01", "2026-04-03", "2026-10-03"} <= set(germany)
    assert set(berlin) - set(germany) == {"2026-03-08"}


@pytest.mark.parametrize(("country", "part"), [("XX", None), ("DE", "XX"), ("de", None)])
async def test_holidays_of_no_place_are_not_found(service: Service, country: str, part: str | None) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await holidays(service, country, part)

    assert reason_of(caught.value) == "HOLIDAYS_UNKNOWN"
