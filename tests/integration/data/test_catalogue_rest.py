"""The catalogue through the gateway: words for enums, masks, entity tags, faults and limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr
from shelfcast_gateway.bootstrap import gateway
from shelfcast_testing.gateway_stack import KEY, served, settings_for
from shelfcast_testing.redis_process import free_port

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service


@pytest.fixture
def settings(settings: DataSettings) -> DataSettings:
    return settings.model_copy(update={"internal_token_key": SecretStr(KEY)})


@pytest.fixture
async def rest(service: Service, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    ports = {name: free_port() for name in ("model", "planning", "monitoring")}
    made = settings_for(tmp_path / "gateway", "redis://127.0.0.1:1/0", {**ports, "data": service.server.port})
    async with gateway(made) as wired, served(wired) as port:
        headers = {"authorization": f"Bearer {service.key}"}
        base_url = f"http://127.0.0.1:{port}/api/v1"
        async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:
            yield client


async def test_a_shopkeeper_sets_up_a_supplier_and_its_terms(rest: httpx.AsyncClient) -> None:
    supplier = await rest.post(
        "/suppliers",
        json={"supplier_id": "meyer & co", "order_weekdays": ["monday", "thursday"], "lead_time_days": 2},
    )
    product = await rest.post("/products", json={"product_id": "oat", "supplier_id": "meyer & co"})
    terms = await rest.post(
        "/suppliers/meyer%20&%20co/terms",
        json={
            "product_id": "oat",
            "currency_code": "EUR",
            "cost_breaks": [{"minimum_quantity": 0, "unit_cost": 0.9}],
        },
    )
    read = await rest.get(terms.headers["location"].removeprefix("/api/v1"))

    assert [each.status_code for each in (supplier, product, terms)] == [201, 201, 201]
    assert supplier.json()["order_weekdays"] == ["monday", "thursday"]
    assert product.json()["status"] == "active"
    assert read.json() == terms.json()
    assert read.json()["cost_breaks"] == [{"minimum_quantity": 0.0, "unit_cost": 0.9}]


async def test_null_clears_what_a_patch_names_and_put_replaces_all(rest: httpx.AsyncClient) -> None:
    made = await rest.post(
        "/products", json={"product_id": "oat", "name": "Oat", "case_pack": 6, "shelf_life_days": 30}
    )

    patched = await rest.patch(
        "/products/oat",
        json={"case_pack": None, "status": "phasing_out"},
        headers={"if-match": made.headers["etag"]},
    )
    stale = await rest.put("/products/oat", json={}, headers={"if-match": made.headers["etag"]})
    replaced = await rest.put("/products/oat", json={"name": "Oat milk"})

    assert (patched.json()["case_pack"], patched.json()["shelf_life_days"]) == (None, 30)
    assert patched.json()["status"] == "phasing_out"
    assert (stale.status_code, stale.json()["code"]) == (412, "ETAG_MISMATCH")
    assert (replaced.json()["shelf_life_days"], replaced.json()["status"]) == (None, "active")


async def test_lists_are_filtered_ordered_and_paged(rest: httpx.AsyncClient) -> None:
    for number in range(3):
        status = "discontinued" if number == 1 else "active"
        await rest.post("/products", json={"product_id": f"p{number}", "status": status})

    first = await rest.get("/products", params={"order_by": "-name", "page_size": 1, "status": "active"})
    token = first.json()["next_page_token"]
    second = await rest.get(
        "/products", params={"order_by": "-name", "page_token": token, "status": "active"}
    )
    unknown = await rest.get("/products", params={"order_by": "price"})

    found = [*first.json()["products"], *second.json()["products"]]
    assert [each["product_id"] for each in found] == ["p2", "p0"]
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/order_by")


async def test_a_clash_of_prices_is_a_conflict_that_names_the_other(rest: httpx.AsyncClient) -> None:
    await rest.post("/products", json={"product_id": "oat"})
    price = {"product_id": "oat", "price": 1, "currency_code": "EUR", "start_date": "2026-03-02"}
    made = await rest.post("/price-changes", json={"price_change_id": "march", **price})

    clash = await rest.post("/price-changes", json=price)
    missing = await rest.post("/price-changes", json={"price": 1})

    assert (made.status_code, made.json()["end_date"]) == (201, None)
    assert (clash.status_code, clash.json()["code"]) == (409, "PRICE_CHANGE_OVERLAPS")
    assert clash.json()["detail"] == "Price change march holds from 2026-03-02 to further notice."
    assert missing.status_code == 400
    assert {each["pointer"] for each in missing.json()["errors"]} == {
        "/product_id",
        "/currency_code",
        "/start_date",
    }


async def test_removal_for_good_is_asked_for_by_force(rest: httpx.AsyncClient) -> None:
    await rest.post("/products", json={"product_id": "typo"})

    soft = await rest.delete("/products/typo")
    still = await rest.get("/products/typo")
    hard = await rest.delete("/products/typo", params={"force": "true"})
    gone = await rest.get("/products/typo")

    assert [each.status_code for each in (soft, still, hard, gone)] == [204, 200, 204, 404]


async def test_many_products_are_upserted_and_too_many_refused(rest: httpx.AsyncClient) -> None:
    rows = [{"product_id": f"p{number}", "price": 1.5} for number in range(10_001)]

    report = await rest.post("/products:bulkUpsert", json={"products": [*rows[:9_999], {"price": -1}]})
    too_many = await rest.post("/products:bulkUpsert", json={"products": rows})

    assert report.status_code == 200
    assert report.json()["accepted_count"] == 9_999
    assert report.json()["rejections"][0]["row"] == 10_000
    assert (too_many.status_code, too_many.json()["limit"]) == (413, 10_000)


async def test_categories_promotions_closures_and_holidays_have_their_routes(rest: httpx.AsyncClient) -> None:
    week = {"start_date": "2026-03-02", "end_date": "2026-03-08"}
    await rest.post("/shops", json={"shop_id": "mitte", "country_code": "DE", "subdivision_code": "BE"})
    top = await rest.post("/categories", json={"category_id": "dairy", "name": "dairy"})
    part = await rest.post("/categories", json={"name": "milk", "parent_category_id": "dairy"})
    promotion = await rest.post(
        "/promotions-calendar",
        json={
            "name": "Easter",
            "kind": "multi_buy",
            "category_ids": ["dairy"],
            "discount_pct": 20,
            **week,
        },
    )
    closure = await rest.post("/closures", json={"shop_id": "mitte", "reason": "Refit", **week})
    holidays = await rest.get(
        "/holidays", params={"country_code": "DE", "subdivision_code": "BE", "year": 2026}
    )
    no_year = await rest.get("/holidays", params={"country_code": "DE"})

    assert [each.status_code for each in (top, part, promotion, closure, holidays)] == [
        201,
        201,
        201,
        201,
        200,
    ]
    assert part.json()["path"] == "dairy/milk"
    assert promotion.json()["kind"] == "multi_buy"
    assert "2026-03-08" in [each["date"] for each in holidays.json()["holidays"]]
    assert no_year.status_code == 400
