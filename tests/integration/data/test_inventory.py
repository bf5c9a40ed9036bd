"""Levels, lots, count sheets and stock-outs over gRPC, on both stores."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import timestamp_pb2
from shelfcast.catalog.v1 import product_pb2, product_service_pb2, shop_pb2, shop_service_pb2
from shelfcast.exports.v1 import export_service_pb2
from shelfcast.inventory.v1 import inventory_pb2 as pb
from shelfcast.inventory.v1 import inventory_service_pb2 as rpc
from shelfcast.inventory.v1 import stock_movement_pb2, stock_movement_service_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key
from sqlalchemy import event

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

RECEIPT = stock_movement_pb2.STOCK_MOVEMENT_KIND_RECEIPT
SALE = stock_movement_pb2.STOCK_MOVEMENT_KIND_SALE
COUNT = stock_movement_pb2.STOCK_MOVEMENT_KIND_COUNT


@pytest.fixture
async def shelf(service: Service) -> Service:
    """A service whose catalogue has two shops, one of them in Auckland, and three products."""
    for shop_id, zone in (("s1", ""), ("s2", "Pacific/Auckland")):
        shop = shop_service_pb2.CreateShopRequest(shop=shop_pb2.Shop(shop_id=shop_id, time_zone=zone))
        await service.shops.CreateShop(shop, timeout=30, metadata=service.auth())
    for product_id in ("p1", "p2", "p3"):
        product = product_service_pb2.CreateProductRequest(product=product_pb2.Product(product_id=product_id))
        await service.products.CreateProduct(product, timeout=30, metadata=service.auth())
    return service


async def move(
    service: Service,
    kind: stock_movement_pb2.StockMovementKind.ValueType,
    at: str = "",
    **fields: Any,  # noqa: ANN401 - fields of a message
) -> stock_movement_pb2.StockMovement:
    values: dict[str, Any] = {"shop_id": "s1", "product_id": "p1"} | fields
    if at:
        stamp = timestamp_pb2.Timestamp()
        stamp.FromJsonString(at)
        values["occurred_at"] = stamp
    request = stock_movement_service_pb2.CreateStockMovementRequest(
        movement=stock_movement_pb2.StockMovement(kind=kind, **values)
    )
    return await service.stock.CreateStockMovement(request, timeout=30, metadata=service.auth())


async def stock(service: Service, product_id: str = "p1", **fields: Any) -> pb.ProductInventory:  # noqa: ANN401 - fields of a message
    request = rpc.GetInventoryRequest(product_id=product_id, **fields)
    return await service.inventory.GetInventory(request, timeout=30, metadata=service.auth())


async def levels(service: Service, **fields: Any) -> rpc.ListInventoryResponse:  # noqa: ANN401 - fields of a message
    request = rpc.ListInventoryRequest(**fields)
    return await service.inventory.ListInventory(request, timeout=30, metadata=service.auth())


async def lots(service: Service, **fields: Any) -> rpc.ListLotsResponse:  # noqa: ANN401 - fields of a message
    return await service.inventory.ListLots(
        rpc.ListLotsRequest(**fields), timeout=30, metadata=service.auth()
    )


async def stockouts(service: Service, **fields: Any) -> rpc.ListStockoutsResponse:  # noqa: ANN401 - fields of a message
    return await service.inventory.ListStockouts(
        rpc.ListStockoutsRequest(**fields), timeout=30, metadata=service.auth()
    )


async def count(
    service: Service,
    rows: list[dict[str, Any]],
    **fields: Any,  # noqa: ANN401 - fields of a message
) -> Any:  # noqa: ANN401 - a RowReport
    sheet = [pb.InventoryCount(**({"shop_id": "s1", "product_id": "p1"} | row)) for row in rows]
    request = rpc.BulkCountInventoryRequest(inventory=sheet, **fields)
    reply = await service.inventory.BulkCountInventory(request, timeout=60, metadata=service.auth())
    return reply.report


async def test_stock_is_shown_by_shop_and_lot(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=4, lot_id="late", expiry_date="2030-02-01")
    await move(shelf, RECEIPT, quantity=3.25, lot_id="soon", expiry_date="2030-01-01")
    await move(shelf, SALE, quantity=-5)
    await move(shelf, RECEIPT, quantity=7, shop_id="s2", lot_id="gone")
    await move(shelf, SALE, quantity=-7, shop_id="s2", lot_id="gone")

    all_shops = await stock(shelf)
    one_shop = await stock(shelf, shop_id="s1")

    assert all_shops.quantity == 2.25
    assert [(shop.shop_id, shop.quantity, shop.is_negative) for shop in all_shops.shops] == [
        ("s1", 2.25, False),
        ("s2", 0, False),
    ]
    assert [
        (lot.lot_id, lot.expiry_date, lot.quantity, lot.is_negative) for lot in all_shops.shops[0].lots
    ] == [("soon", "2030-01-01", 3.25, False), ("late", "2030-02-01", 4, False), ("", "", -5, True)]
    assert list(all_shops.shops[1].lots) == []
    assert [shop.shop_id for shop in one_shop.shops] == ["s1"]


async def test_stock_that_was_never_recorded_is_unknown_and_not_zero(shelf: Service) -> None:
    found = await stock(shelf)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stock(shelf, "no-such-product")

    assert not found.HasField("quantity")
    assert dict(found.null_reasons) == {"quantity": "NO_MOVEMENTS"}
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_as_of_shows_what_had_been_recorded_by_then(shelf: Service) -> None:
    before = await stock(shelf)
    await asyncio.sleep(0.005)
    first = await move(shelf, RECEIPT, quantity=10, lot_id="L1", expiry_date="2030-01-01")
    await asyncio.sleep(0.005)
    await move(shelf, SALE, "2026-01-01T00:00:00Z", quantity=-4, lot_id="L1")

    then = await stock(shelf, as_of=first.recorded_at.ToJsonString())
    now = await stock(shelf)
    never = await stock(shelf, as_of=before.as_of.ToJsonString())

    assert (then.quantity, then.as_of) == (10, first.recorded_at)
    assert [(lot.lot_id, lot.expiry_date, lot.quantity) for lot in then.shops[0].lots] == [
        ("L1", "2030-01-01", 10)
    ]
    assert now.quantity == 6
    assert not never.HasField("quantity")


async def test_levels_are_filtered_and_paged_by_shop_and_product(shelf: Service) -> None:
    for shop_id in ("s2", "s1"):
        for number in (3, 1, 2):
            await move(shelf, RECEIPT, shop_id=shop_id, product_id=f"p{number}", quantity=number)
    await move(shelf, SALE, shop_id="s2", product_id="p1", quantity=-2)

    found: list[tuple[object, ...]] = []
    token = ""
    while token or not found:
        page = await levels(shelf, page_size=4, page_token=token)
        found += [(each.shop_id, each.product_id, each.quantity) for each in page.levels]
        token = page.next_page_token
    low = (await levels(shelf, below=2)).levels
    of_product = (await levels(shelf, product_id="p3")).levels
    of_shop = (await levels(shelf, shop_id="s2", below=1e300)).levels

    assert found == [
        ("s1", "p1", 1), ("s1", "p2", 2), ("s1", "p3", 3), ("s2", "p1", -1), ("s2", "p2", 2), ("s2", "p3", 3),
    ]  # fmt: skip
    assert [(each.shop_id, each.quantity, each.is_negative) for each in low] == [
        ("s1", 1, False),
        ("s2", -1, True),
    ]
    assert [(each.shop_id, each.product_id) for each in of_product] == [("s1", "p3"), ("s2", "p3")]
    assert len(of_shop) == 3


async def test_open_lots_come_by_expiry_date(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=1, lot_id="c")
    await move(shelf, RECEIPT, quantity=1, lot_id="b", expiry_date="2030-02-01")
    await move(shelf, RECEIPT, quantity=1, shop_id="s2", product_id="p2", expiry_date="2030-01-01")
    await move(shelf, RECEIPT, quantity=1, lot_id="empty", expiry_date="2030-01-01")
    await move(shelf, SALE, quantity=-1, lot_id="empty")
    await move(shelf, RECEIPT, quantity=1)

    first = await lots(shelf, page_size=2)
    second = await lots(shelf, page_size=2, page_token=first.next_page_token)
    soon = await lots(shelf, expires_by="2030-01-31")
    of_shop = await lots(shelf, shop_id="s1", product_id="p1")

    assert [(lot.lot_id, lot.expiry_date) for lot in first.lots] == [
        ("2030-01-01", "2030-01-01"),
        ("b", "2030-02-01"),
    ]
    assert [(lot.lot_id, lot.HasField("expiry_date")) for lot in second.lots] == [("c", False)]
    assert second.next_page_token == ""
    assert [lot.shop_id for lot in soon.lots] == ["s2"]
    assert [lot.lot_id for lot in of_shop.lots] == ["b", "c"]


async def test_the_date_that_was_said_last_counts_for_a_lot(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=1, lot_id="L1", expiry_date="2030-01-01")
    await move(shelf, RECEIPT, quantity=1, lot_id="L1", expiry_date="2030-02-01")
    await move(shelf, RECEIPT, quantity=1, lot_id="L1")

    found = (await lots(shelf)).lots

    assert [(lot.lot_id, lot.expiry_date, lot.quantity) for lot in found] == [("L1", "2030-02-01", 3)]


async def test_a_count_sheet_sets_the_levels_and_reports_bad_rows(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=5, lot_id="L1", expiry_date="2030-01-01")
    await move(shelf, RECEIPT, quantity=2, product_id="p2")
    rows: list[dict[str, Any]] = [
        {"lot_id": "L1", "quantity": 3},
        {"product_id": "p2", "quantity": 2},
        {"product_id": "p3", "quantity": 0},
        {"product_id": "unknown", "shop_id": "nowhere", "quantity": 1},
        {"quantity": -1, "expiry_date": "soon"},
        {"shop_id": "s2", "lot_id": "L9", "expiry_date": "2030-03-01", "quantity": 1.5},
        {"lot_id": "L1", "quantity": 4},
    ]

    report = await count(shelf, rows, reference="sheet 7", reason="year's end")
    again = await count(shelf, rows)

    assert (report.accepted_count, report.repeated_count, report.rejected_count) == (3, 1, 3)
    assert [(each.row, each.pointer, each.rule) for each in report.rejections] == [
        (4, "/inventory/3/product_id", "product_id.unknown"),
        (4, "/inventory/3/shop_id", "shop_id.unknown"),
        (5, "/inventory/4/expiry_date", "date.form"),
        (5, "/inventory/4/quantity", "quantity.below_zero"),
        (7, "/inventory/6", "count.duplicate"),
    ]
    assert (again.accepted_count, again.repeated_count, again.rejected_count) == (0, 4, 3)
    assert [(each.shop_id, each.product_id, each.quantity) for each in (await levels(shelf)).levels] == [
        ("s1", "p1", 3), ("s1", "p2", 2), ("s1", "p3", 0), ("s2", "p1", 1.5),
    ]  # fmt: skip
    assert [(lot.lot_id, lot.expiry_date) for lot in (await lots(shelf)).lots] == [
        ("L1", "2030-01-01"),
        ("L9", "2030-03-01"),
    ]
    request = stock_movement_service_pb2.ListStockMovementsRequest(kind=COUNT)
    ledger = await shelf.stock.ListStockMovements(request, timeout=30, metadata=shelf.auth())
    assert [
        (each.product_id, each.quantity, each.counted_quantity, each.reference, each.reason)
        for each in reversed(ledger.movements)
    ] == [
        ("p1", -2, 3, "sheet 7", "year's end"),
        ("p3", 0, 0, "sheet 7", "year's end"),
        ("p1", 1.5, 1.5, "sheet 7", "year's end"),
    ]


async def test_one_bad_row_stops_an_atomic_sheet(shelf: Service) -> None:
    rows: list[dict[str, Any]] = [{"quantity": 1}, {"product_id": "unknown", "quantity": 1}]

    report = await count(shelf, rows, atomic=True)
    good = await count(shelf, rows[:1], atomic=True)

    assert (report.accepted_count, report.rejected_count) == (0, 1)
    assert good.accepted_count == 1
    assert len((await levels(shelf)).levels) == 1


async def test_a_sheet_without_rows_or_with_too_many_is_refused(shelf: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as empty:
        await count(shelf, [])
    with pytest.raises(grpc.aio.AioRpcError) as large:
        await count(shelf, [{}] * 100_001)

    assert empty.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "100000" in str(large.value.details())


async def test_a_large_sheet_takes_a_handful_of_statements(
    shelf: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    rows = [{"lot_id": f"lot-{number:0124}", "quantity": number % 7} for number in range(32_000)]

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(shelf.parts.engine, "before_cursor_execute", note)
    report = await count(shelf, rows)
    event.remove(shelf.parts.engine, "before_cursor_execute", note)

    assert report.accepted_count == 32_000
    assert len([each for each in statements if "staged_counts" in each or "stock_" in each]) < 15
    assert (await stock(shelf)).quantity == sum(number % 7 for number in range(32_000))


async def test_days_without_stock_come_from_sales_and_from_the_ledger(shelf: Service) -> None:
    await move(shelf, RECEIPT, "2026-03-01T10:00:00Z", quantity=4)
    await move(shelf, SALE, "2026-03-02T10:00:00Z", quantity=-4)
    await move(shelf, RECEIPT, "2026-03-06T10:00:00Z", quantity=4)
    await move(shelf, RECEIPT, "2026-03-02T10:00:00Z", shop_id="s2", quantity=4)
    await move(shelf, SALE, "2026-03-02T12:00:00Z", shop_id="s2", quantity=-4)
    for day, available in ((3, False), (7, False), (8, True)):
        await sell(shelf, f"2026-03-0{day}", was_available=available)
    await sell(shelf, "2026-03-07", was_available=True, quantity=2)
    await sell(shelf, "2026-03-09", was_available=False, product_id="p2")

    days = {"start": "2026-03-01", "end": "2026-03-09"}
    found: list[tuple[object, ...]] = []
    token = ""
    while token or not found:
        page = await stockouts(shelf, page_size=2, page_token=token, **days)
        found += [(each.shop_id, each.product_id, each.date[-2:], each.is_reported, each.is_derived)
                  for each in page.stockouts]  # fmt: skip
        token = page.next_page_token
    of_product = await stockouts(shelf, product_id="p2", **days)
    of_shop = await stockouts(shelf, shop_id="s2", start="2026-03-02", end="2026-03-03")

    assert found == [
        ("s1", "p1", "03", True, True),
        ("s1", "p1", "04", False, True),
        ("s1", "p1", "05", False, True),
        ("s1", "p2", "09", True, False),
        *(("s2", "p1", f"0{day}", False, True) for day in range(4, 10)),
    ]
    assert [each.date for each in of_product.stockouts] == ["2026-03-09"]
    assert list(of_shop.stockouts) == []


async def sell(service: Service, day: str, **fields: Any) -> None:  # noqa: ANN401 - fields of a message
    values: dict[str, Any] = {"shop_id": "s1", "product_id": "p1", "date": day, "quantity": 1} | fields
    request = sale_service_pb2.CreateSaleRequest(sale=sale_pb2.Sale(**values))
    await service.sales.CreateSale(request, timeout=30, metadata=service.auth())


async def test_the_ledger_speaks_of_no_day_that_is_not_over(shelf: Service) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=40)).strftime("%Y-%m-%dT00:00:00Z")
    await move(shelf, RECEIPT, long_ago, quantity=1)
    await move(shelf, SALE, long_ago, quantity=-1)

    found = (await stockouts(shelf)).stockouts
    ahead = (await stockouts(shelf, start="2199-01-01", end="2199-12-31")).stockouts

    assert len(found) == 28
    assert list(ahead) == []


async def test_the_lists_of_stock_go_out_as_files(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=2.5, lot_id="L1", expiry_date="2030-01-01")
    await move(shelf, RECEIPT, quantity=1, shop_id="s2")

    files = {}
    for name in ("stock-movements", "inventory", "lots"):
        request = export_service_pb2.DownloadExportRequest(file=f"{name}.csv", shop_id="s1")
        call = shelf.exports.DownloadExport(request, timeout=60, metadata=shelf.auth())
        text = b"".join([message.data async for message in call]).decode()
        files[name] = list(csv.DictReader(io.StringIO(text, newline="")))

    assert [(row["kind"], row["lot_id"]) for row in files["stock-movements"]] == [("receipt", "L1")]
    assert [(row["shop_id"], float(row["quantity"])) for row in files["inventory"]] == [("s1", 2.5)]
    assert [(row["lot_id"], row["expiry_date"]) for row in files["lots"]] == [("L1", "2030-01-01")]


async def test_another_tenant_sees_no_stock(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=1, lot_id="L1")
    key = await create_api_key(shelf.settings, "baker", "viewer", "tests")
    auth = shelf.auth(key)

    level_page = await shelf.inventory.ListInventory(rpc.ListInventoryRequest(), timeout=30, metadata=auth)
    lot_page = await shelf.inventory.ListLots(rpc.ListLotsRequest(), timeout=30, metadata=auth)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shelf.inventory.GetInventory(
            rpc.GetInventoryRequest(product_id="p1"), timeout=30, metadata=auth
        )
    request = rpc.BulkCountInventoryRequest(inventory=[pb.InventoryCount()])
    with pytest.raises(grpc.aio.AioRpcError) as written:
        await shelf.inventory.BulkCountInventory(request, timeout=30, metadata=auth)

    assert (list(level_page.levels), list(lot_page.lots)) == ([], [])
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert written.value.code() is grpc.StatusCode.PERMISSION_DENIED
