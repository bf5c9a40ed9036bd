"""A shopkeeper's day with the stock, through the front door of the running product."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from shelfcast_testing.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MOVEMENTS = "/api/v1/stock-movements"


@pytest.fixture
async def http(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {product.key}"}
    async with httpx.AsyncClient(base_url=product.address["url"], headers=headers, timeout=60) as opened:
        for shop_id in ("corner", "station"):
            assert (await opened.post("/api/v1/shops", json={"shop_id": shop_id})).status_code in {201, 409}
        for product_id in ("kefir", "rusk"):
            reply = await opened.post("/api/v1/products", json={"product_id": product_id})
            assert reply.status_code in {201, 409}
        yield opened


async def test_goods_come_in_are_counted_moved_and_put_right(http: httpx.AsyncClient) -> None:
    delivery: dict[str, Any] = {
        "movement_id": str(uuid.uuid4()),
        "kind": "receipt",
        "shop_id": "corner",
        "product_id": "kefir",
        "quantity": 24,
        "expiry_date": "2030-01-31",
        "unit_cost": 0.79,
        "currency_code": "EUR",
    }
    made = await http.post(MOVEMENTS, json=delivery)
    again = await http.post(MOVEMENTS, json=delivery)
    lot = {"lot_id": "2030-01-31", "shop_id": "corner", "product_id": "kefir"}
    waste = lot | {"kind": "waste", "quantity": -30}
    refused = await http.post(MOVEMENTS, json=waste)
    allowed = await http.post(f"{MOVEMENTS}?allow_negative=true", json=waste)
    taken = await http.post(
        f"{MOVEMENTS}/{allowed.json()['movement_id']}:reverse", json={"reason": "mistyped"}
    )
    moved = lot | {"kind": "transfer", "quantity": -4, "other_shop_id": "station"}
    await http.post(MOVEMENTS, json=moved)
    stock = (await http.get("/api/v1/inventory/kefir")).json()
    lots = (await http.get("/api/v1/lots", params={"shop_id": "station"})).json()["lots"]

    assert made.status_code == again.status_code == 201
    assert made.json() == again.json()
    assert made.headers["location"] == f"{MOVEMENTS}/{delivery['movement_id']}"
    assert (refused.status_code, refused.json()["code"]) == (409, "STOCK_INSUFFICIENT")
    assert "24 of kefir" in refused.json()["detail"]
    assert (taken.status_code, taken.json()["quantity"]) == (200, 30)
    assert (stock["quantity"], [shop["quantity"] for shop in stock["shops"]]) == (24, [20, 4])
    assert "on_order" not in stock
    assert [(each["lot_id"], each["expiry_date"], each["quantity"]) for each in lots] == [
        ("2030-01-31", "2030-01-31", 4)
    ]


async def test_a_count_sheet_reports_its_bad_rows_by_pointer(http: httpx.AsyncClient) -> None:
    rows = [
        {"shop_id": "corner", "product_id": "rusk", "quantity": 12},
        {"shop_id": "corner", "product_id": "no-such-thing", "quantity": 1},
        {"shop_id": "station", "product_id": "rusk"},
    ]

    report = (await http.post("/api/v1/inventory/bulk", json={"inventory": rows})).json()["report"]
    low = (await http.get("/api/v1/inventory", params={"product_id": "rusk", "below": 13})).json()
    large = await http.post("/api/v1/inventory/bulk", json={"inventory": [{}] * 100_001})

    assert (report["accepted_count"] + report["repeated_count"], report["rejected_count"]) == (1, 2)
    assert [(each["row"], each["pointer"]) for each in report["rejections"]] == [
        (2, "/inventory/1/product_id"),
        (3, "/inventory/2/quantity"),
    ]
    assert [(each["shop_id"], each["quantity"]) for each in low["levels"]] == [("corner", 12)]
    assert (large.status_code, large.json()["limit"]) == (413, 100_000)


async def test_faults_of_a_movement_are_named_all_at_once(http: httpx.AsyncClient) -> None:
    bad = {"kind": "receipt", "shop_id": "corner", "product_id": "rusk", "quantity": -1, "other_shop_id": "x"}

    reply = await http.post(MOVEMENTS, json=bad)
    missing = await http.post(MOVEMENTS, json={"shop_id": "corner"})
    written = await http.post(MOVEMENTS, json=bad | {"recorded_at": "2026-01-01T00:00:00Z"})
    stockouts = await http.get("/api/v1/stockouts", params={"start": "2026-02-30"})

    assert reply.status_code == 422
    assert {each["pointer"] for each in reply.json()["errors"]} == {
        "/movement/quantity",
        "/movement/other_shop_id",
    }
    assert missing.status_code == 400
    assert written.status_code == 422
    assert stockouts.status_code == 400
