"""The stock ledger over gRPC, on both stores."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import timestamp_pb2
from shelfcast.catalog.v1 import product_pb2, product_service_pb2, shop_pb2, shop_service_pb2
from shelfcast.inventory.v1 import stock_movement_pb2 as pb
from shelfcast.inventory.v1 import stock_movement_service_pb2 as rpc
from shelfcast_data.bootstrap.commands import create_api_key

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

RECEIPT = pb.STOCK_MOVEMENT_KIND_RECEIPT
SALE = pb.STOCK_MOVEMENT_KIND_SALE
ADJUSTMENT = pb.STOCK_MOVEMENT_KIND_ADJUSTMENT
TRANSFER = pb.STOCK_MOVEMENT_KIND_TRANSFER
WASTE = pb.STOCK_MOVEMENT_KIND_WASTE
COUNT = pb.STOCK_MOVEMENT_KIND_COUNT
LEVELS = "SELECT shop_id, product_id, CAST(quantity AS DECIMAL(18,6)) FROM stock_levels ORDER BY 1, 2"
LEDGER = """SELECT shop_id, product_id, CAST(SUM(quantity) AS DECIMAL(18,6)) FROM stock_movements
    GROUP BY shop_id, product_id ORDER BY 1, 2"""


@pytest.fixture
async def shelf(service: Service) -> Service:
    """A service whose catalogue has two shops and two products."""
    for shop_id in ("s1", "s2"):
        shop = shop_service_pb2.CreateShopRequest(shop=shop_pb2.Shop(shop_id=shop_id))
        await service.shops.CreateShop(shop, timeout=30, metadata=service.auth())
    for product_id in ("oat-milk-1l", "rye-bread"):
        product = product_service_pb2.CreateProductRequest(product=product_pb2.Product(product_id=product_id))
        await service.products.CreateProduct(product, timeout=30, metadata=service.auth())
    return service


def movement(kind: pb.StockMovementKind.ValueType, **fields: Any) -> pb.StockMovement:  # noqa: ANN401 - fields of a message
    values: dict[str, Any] = {"shop_id": "s1", "product_id": "oat-milk-1l"} | fields
    return pb.StockMovement(kind=kind, **values)


async def move(
    service: Service,
    kind: pb.StockMovementKind.ValueType,
    *,
    allow_negative: bool = False,
    **fields: Any,  # noqa: ANN401 - fields of a message
) -> pb.StockMovement:
    request = rpc.CreateStockMovementRequest(movement=movement(kind, **fields), allow_negative=allow_negative)
    return await service.stock.CreateStockMovement(request, timeout=30, metadata=service.auth())


async def reverse(service: Service, movement_id: str, reason: str = "typing error") -> pb.StockMovement:
    request = rpc.ReverseStockMovementRequest(movement_id=movement_id, reason=reason)
    return await service.stock.ReverseStockMovement(request, timeout=30, metadata=service.auth())


async def listed(service: Service, **fields: Any) -> rpc.ListStockMovementsResponse:  # noqa: ANN401 - fields of a message
    request = rpc.ListStockMovementsRequest(**fields)
    return await service.stock.ListStockMovements(request, timeout=30, metadata=service.auth())


def levels(service: Service) -> dict[tuple[str, str], float]:
    """Give the levels in units; they are checked against the ledger on the way."""
    scale = 1_000_000 if service.settings.database_url.startswith("sqlite") else 1
    found = {(row[0], row[1]): float(row[2]) / scale for row in service.rows(LEVELS)}
    summed = {(row[0], row[1]): float(row[2]) / scale for row in service.rows(LEDGER)}
    assert found == summed
    return found


async def test_levels_follow_each_kind_of_movement(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=10.5, lot_id="L1", expiry_date="2030-01-31", unit_cost=0.79)
    await move(shelf, SALE, quantity=-2, lot_id="L1")
    await move(shelf, SALE, quantity=1, reason="brought back")
    await move(shelf, WASTE, quantity=-0.5, lot_id="L1")
    await move(shelf, ADJUSTMENT, quantity=-1)
    counted = await move(shelf, COUNT, counted_quantity=6, lot_id="L1")

    assert counted.quantity == -2
    assert counted.counted_quantity == 6
    assert levels(shelf) == {("s1", "oat-milk-1l"): 6}


async def test_a_movement_is_read_as_it_was_recorded(shelf: Service) -> None:
    at = timestamp_pb2.Timestamp()
    at.FromJsonString("2026-03-01T08:15:00.123456Z")
    made = await move(
        shelf,
        RECEIPT,
        quantity=24,
        lot_id="L7",
        expiry_date="2026-04-01",
        unit_cost=0.79,
        currency_code="EUR",
        occurred_at=at,
        reference="DN-4711",
        reason="weekly delivery",
    )

    request = rpc.GetStockMovementRequest(movement_id=made.movement_id.upper())
    read = await shelf.stock.GetStockMovement(request, timeout=30, metadata=shelf.auth())

    assert read == made
    assert (read.quantity, read.lot_id, read.expiry_date) == (24, "L7", "2026-04-01")
    assert (read.unit_cost, read.currency_code, read.reference) == (0.79, "EUR", "DN-4711")
    assert read.occurred_at == at
    assert read.HasField("recorded_at")
    assert not read.HasField("counted_quantity")


async def test_the_same_movement_sent_twice_has_one_effect(shelf: Service) -> None:
    movement_id = str(uuid.uuid4())
    first = await move(shelf, RECEIPT, movement_id=movement_id, quantity=5)

    second = await move(shelf, RECEIPT, movement_id=movement_id.upper(), quantity=5)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await move(shelf, RECEIPT, movement_id=movement_id, quantity=6)
    with pytest.raises(grpc.aio.AioRpcError) as other_shop:
        await move(shelf, RECEIPT, movement_id=movement_id, quantity=5, shop_id="s2")

    assert second == first
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert other_shop.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert levels(shelf) == {("s1", "oat-milk-1l"): 5}


async def test_a_transfer_is_recorded_in_both_shops_and_taken_back_in_both(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=10, lot_id="L1", expiry_date="2030-01-31")

    out = await move(shelf, TRANSFER, quantity=-4, lot_id="L1", other_shop_id="s2")
    after = levels(shelf)
    into = (await listed(shelf, shop_id="s2")).movements[0]
    again = await reverse(shelf, into.movement_id)
    same = await reverse(shelf, into.movement_id, "another reason")

    assert after == {("s1", "oat-milk-1l"): 6, ("s2", "oat-milk-1l"): 4}
    assert (into.quantity, into.other_shop_id, into.expiry_date) == (4, "s1", "2030-01-31")
    assert (into.counterpart_id, out.counterpart_id) == (out.movement_id, into.movement_id)
    assert (again.quantity, again.reverses_id) == (-4, into.movement_id)
    assert same == again
    assert levels(shelf) == {("s1", "oat-milk-1l"): 10, ("s2", "oat-milk-1l"): 0}


async def test_waste_and_transfers_beyond_the_level_need_a_word(shelf: Service) -> None:
    await move(shelf, RECEIPT, quantity=3)

    with pytest.raises(grpc.aio.AioRpcError) as wasted:
        await move(shelf, WASTE, quantity=-3.5)
    with pytest.raises(grpc.aio.AioRpcError) as moved:
        await move(shelf, TRANSFER, quantity=-1, lot_id="L9", other_shop_id="s2")
    await move(shelf, WASTE, quantity=-3.5, allow_negative=True)
    await move(shelf, SALE, quantity=-2)

    assert wasted.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "3.5" in str(wasted.value.details())
    assert moved.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert levels(shelf) == {("s1", "oat-milk-1l"): -2.5}


async def test_a_movement_is_taken_back_once_and_a_reversal_never(shelf: Service) -> None:
    made = await move(shelf, COUNT, counted_quantity=7)
    taken = await reverse(shelf, made.movement_id)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await reverse(shelf, taken.movement_id)
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await reverse(shelf, "no-such-movement")

    assert (taken.quantity, taken.kind, taken.occurred_at) == (-7, COUNT, made.occurred_at)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    assert levels(shelf) == {("s1", "oat-milk-1l"): 0}


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        (RECEIPT, {"quantity": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": float("nan")}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1e9}, grpc.StatusCode.INVALID_ARGUMENT),
        (SALE, {"quantity": 0}, grpc.StatusCode.INVALID_ARGUMENT),
        (WASTE, {"quantity": 1}, grpc.StatusCode.INVALID_ARGUMENT),
        (TRANSFER, {"quantity": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        (TRANSFER, {"quantity": -1, "other_shop_id": "s1"}, grpc.StatusCode.INVALID_ARGUMENT),
        (TRANSFER, {"quantity": -1, "other_shop_id": "nowhere"}, grpc.StatusCode.NOT_FOUND),
        (RECEIPT, {"quantity": 1, "other_shop_id": "s2"}, grpc.StatusCode.INVALID_ARGUMENT),
        (COUNT, {"quantity": 1}, grpc.StatusCode.INVALID_ARGUMENT),
        (COUNT, {"counted_quantity": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "counted_quantity": 1}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "product_id": "unknown"}, grpc.StatusCode.NOT_FOUND),
        (RECEIPT, {"quantity": 1, "product_id": ""}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "movement_id": "7"}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "lot_id": " x"}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "expiry_date": "2026-02-30"}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "unit_cost": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "currency_code": "eur"}, grpc.StatusCode.INVALID_ARGUMENT),
        (RECEIPT, {"quantity": 1, "reference": "r" * 129}, grpc.StatusCode.INVALID_ARGUMENT),
        (pb.STOCK_MOVEMENT_KIND_UNSPECIFIED, {"quantity": 1}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_bad_movement_is_refused(
    shelf: Service, kind: pb.StockMovementKind.ValueType, fields: dict[str, Any], code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await move(shelf, kind, **fields)

    assert caught.value.code() is code
    assert shelf.rows("SELECT COUNT(*) FROM stock_movements") == [(0,)]
    assert levels(shelf) == {}


async def test_a_movement_of_tomorrow_is_refused(shelf: Service) -> None:
    at = timestamp_pb2.Timestamp()
    at.FromDatetime(datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await move(shelf, RECEIPT, quantity=1, occurred_at=at)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert levels(shelf) == {}


async def test_the_ledger_is_filtered_and_paged_newest_first_while_others_write(shelf: Service) -> None:
    for day in range(1, 8):
        at = timestamp_pb2.Timestamp()
        at.FromJsonString(f"2026-03-0{day}T12:00:00Z")
        shop_id, product_id = f"s{day % 2 + 1}", "rye-bread" if day % 3 else "oat-milk-1l"
        await move(shelf, RECEIPT, quantity=day, shop_id=shop_id, product_id=product_id, occurred_at=at)

    first = await listed(shelf, page_size=3)
    await move(shelf, SALE, quantity=-1)
    second = await listed(shelf, page_size=3, page_token=first.next_page_token)
    third = await listed(shelf, page_size=3, page_token=second.next_page_token)
    of_one = await listed(shelf, shop_id="s1", product_id="rye-bread")
    in_march = await listed(shelf, start="2026-03-02", end="2026-03-04", kind=RECEIPT)
    until_noon = await listed(shelf, end="2026-03-02T12:00:00Z")

    assert [each.quantity for page in (first, second, third) for each in page.movements] == [
        7, 6, 5, 4, 3, 2, 1,
    ]  # fmt: skip
    assert third.next_page_token == ""
    assert [each.quantity for each in of_one.movements] == [4, 2]
    assert [each.quantity for each in in_march.movements] == [4, 3, 2]
    assert [each.quantity for each in until_noon.movements] == [2, 1]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(shelf, page_token=first.next_page_token, shop_id="s1")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_another_tenant_sees_no_movement(shelf: Service) -> None:
    made = await move(shelf, RECEIPT, quantity=1)
    key = await create_api_key(shelf.settings, "baker", "admin", "tests")

    page = await shelf.stock.ListStockMovements(
        rpc.ListStockMovementsRequest(), timeout=30, metadata=shelf.auth(key)
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shelf.stock.GetStockMovement(
            rpc.GetStockMovementRequest(movement_id=made.movement_id), timeout=30, metadata=shelf.auth(key)
        )

    assert list(page.movements) == []
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
