"""Lists of products in several orders, their filters, and removal for good; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from shelfcast.catalog.v1 import product_pb2, product_service_pb2, promotion_pb2
from shelfcast.inventory.v1 import stock_movement_pb2, stock_movement_service_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key

from tests.integration.data.catalogue_client import Entries, facts_of, faults_of, reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service


async def pages(products: Entries, **asked: Any) -> list[list[str]]:  # noqa: ANN401 - fields of a message
    found, token = [], ""
    while True:
        reply = await products.page(page_token=token, **asked)
        found.append([each.product_id for each in reply.products])
        token = reply.next_page_token
        if not token:
            return found


async def force(service: Service, product_id: str, key: str | None = None) -> None:
    request = product_service_pb2.DeleteProductRequest(product_id=product_id, force=True)
    await service.products.DeleteProduct(request, timeout=30, metadata=service.auth(key))


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("", [["p0", "p1"], ["p2", "p3"], ["p4"]]),
        ("-product_id", [["p4", "p3"], ["p2", "p1"], ["p0"]]),
        ("name", [["p1", "p3"], ["p0", "p2"], ["p4"]]),
        ("-name", [["p4", "p2"], ["p0", "p3"], ["p1"]]),
        ("created_at", [["p0", "p1"], ["p2", "p3"], ["p4"]]),
        ("-updated_at", [["p2", "p4"], ["p3", "p1"], ["p0"]]),
        ("name,product_id", [["p1", "p3"], ["p0", "p2"], ["p4"]]),
        ("-name,product_id", [["p0", "p2"], ["p4", "p1"], ["p3"]]),
        ("name,-updated_at", [["p3", "p1"], ["p2", "p4"], ["p0"]]),
    ],
)
async def test_products_are_listed_in_the_order_asked_for(
    service: Service, order_by: str, expected: list[list[str]]
) -> None:
    products = Entries(service, "product")
    for number in range(5):
        await products.create(product_id=f"p{number}", name="even" if number % 2 == 0 else "Odd")
    await products.update({"product_id": "p2"}, sku="changed")

    assert await pages(products, page_size=2, order_by=order_by) == expected


@pytest.mark.parametrize("order_by", ["name", "-name"])
async def test_what_comes_between_pages_hides_and_repeats_nothing(service: Service, order_by: str) -> None:
    products = Entries(service, "product")
    for product_id in ("b", "d", "f", "h"):
        await products.create(product_id=product_id, name="same")
    first = await products.page(page_size=2, order_by=order_by)

    for product_id in ("a", "c", "e", "g", "i"):
        await products.create(product_id=product_id, name="same")
    second = await products.page(page_size=10, order_by=order_by, page_token=first.next_page_token)

    seen = [each.product_id for each in (*first.products, *second.products)]
    assert {"b", "d", "f", "h"} <= set(seen)
    assert len(seen) == len(set(seen))


async def test_an_unknown_order_is_refused(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(service, "product").page(order_by="price")

    assert faults_of(caught.value) == [("/order_by", "order_by.known")]


async def test_a_token_belongs_to_one_order(service: Service) -> None:
    products = Entries(service, "product")
    for number in range(3):
        await products.create(product_id=f"p{number}")
    first = await products.page(page_size=1, order_by="name")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await products.page(page_token=first.next_page_token, order_by="-name")

    assert reason_of(caught.value) == "PAGE_TOKEN_INVALID"


async def test_products_are_filtered_by_status_and_supplier(service: Service) -> None:
    products = Entries(service, "product")
    await Entries(service, "supplier").create(supplier_id="meyer")
    await products.create(product_id="old", status=product_pb2.PRODUCT_STATUS_DISCONTINUED)
    await products.create(product_id="new", supplier_id="meyer", case_pack=6.0, shelf_life_days=0)

    active = await products.page(status=product_pb2.PRODUCT_STATUS_ACTIVE)

    assert [each.product_id for each in active.products] == ["new"]
    assert (active.products[0].case_pack, active.products[0].shelf_life_days) == (6.0, 0)
    assert await products.ids(status=product_pb2.PRODUCT_STATUS_DISCONTINUED) == ["old"]
    assert await products.ids(supplier_id="meyer") == ["new"]
    assert await products.ids(supplier_id="unknown") == []


async def test_letters_of_a_category_count_byte_by_byte(service: Service) -> None:
    products = Entries(service, "product")
    for place, category in enumerate(["dairy", "dairy/milk", "Dairy/milk", "dairy_x", "dairyx/a", "dairy0"]):
        await products.create(product_id=f"p{place}", category=category)

    assert await products.ids(category="dairy") == ["p0", "p1"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"case_pack": 0.0}, ("/product/case_pack", "case_pack.range")),
        (
            {"minimum_order_quantity": -1.0},
            ("/product/minimum_order_quantity", "minimum_order_quantity.range"),
        ),
        ({"case_pack": float("inf")}, ("/product/case_pack", "case_pack.range")),
        ({"shelf_life_days": -1}, ("/product/shelf_life_days", "shelf_life_days.range")),
        ({"supplier_id": "nobody"}, ("/product/supplier_id", "supplier_id.known")),
        ({"successor_product_id": "nothing"}, ("/product/successor_product_id", "product_id.known")),
        ({"successor_product_id": "q"}, ("/product/successor_product_id", "successor_product_id.other")),
    ],
)
async def test_a_bad_field_is_named(service: Service, fields: dict[str, Any], fault: tuple[str, str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(service, "product").create(product_id="q", **fields)

    assert faults_of(caught.value) == [fault]


async def test_a_product_keeps_the_name_of_a_supplier_that_is_deleted(service: Service) -> None:
    products, suppliers = Entries(service, "product"), Entries(service, "supplier")
    await suppliers.create(supplier_id="meyer")
    await products.create(product_id="oat", supplier_id="meyer")
    await suppliers.delete(supplier_id="meyer")

    changed = await products.update({"product_id": "oat"}, price=2.0)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await products.create(product_id="rye", supplier_id="meyer")

    assert changed.supplier_id == "meyer"
    assert faults_of(caught.value) == [("/product/supplier_id", "supplier_id.known")]


async def test_an_administrator_removes_a_product_for_good(service: Service) -> None:
    products = Entries(service, "product")
    await products.create(product_id="typo")
    planner = await create_api_key(service.settings, "acme", "planner", "tests")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await force(service, "typo", planner)
    await force(service, "typo")

    assert facts_of(refused.value) == {"permission": "products.admin"}
    assert await products.ids(show_deleted=True) == []
    assert (await products.create(product_id="typo")).etag == "1"


async def test_a_product_that_others_name_is_not_removed(service: Service) -> None:
    products = Entries(service, "product")
    await products.create(product_id="oat")
    await products.create(product_id="rye", successor_product_id="oat")
    await Entries(service, "supplier").create(supplier_id="meyer")
    await Entries(service, "terms").create(supplier_id="meyer", product_id="oat")
    price = {"price": 1.0, "currency_code": "EUR", "start_date": "2026-01-01"}
    await Entries(service, "price_change").create(product_id="oat", **price)
    await Entries(service, "promotion").create(
        name="Easter",
        kind=promotion_pb2.PROMOTION_KIND_LOYALTY,
        product_ids=["oat"],
        discount_pct=5.0,
        start_date="2026-01-01",
        end_date="2026-01-02",
    )
    sale = sale_pb2.Sale(shop_id="s", product_id="oat", date="2026-01-01", quantity=1.0)
    await service.sales.CreateSale(
        sale_service_pb2.CreateSaleRequest(sale=sale), timeout=30, metadata=service.auth()
    )

    receipt = stock_movement_pb2.StockMovement(
        kind=stock_movement_pb2.STOCK_MOVEMENT_KIND_RECEIPT, shop_id="s", product_id="oat", quantity=1.0
    )
    await service.stock.CreateStockMovement(
        stock_movement_service_pb2.CreateStockMovementRequest(movement=receipt),
        timeout=30,
        metadata=service.auth(),
    )

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await force(service, "oat")

    assert reason_of(caught.value) == "PRODUCT_IN_USE"
    assert facts_of(caught.value)["used_by"] == (
        "sales, stock movements, other products, supplier terms, price changes, promotions"
    )
    assert "oat" in await products.ids()
