"""Events are told in the transaction of the change, on both stores: with it or not at all."""

from __future__ import annotations

import contextlib
import random
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import grpc
import orjson
import pytest
from shelfcast.catalog.v1 import (
    product_pb2,
    product_service_pb2,
    promotion_pb2,
    promotion_service_pb2,
    shop_pb2,
    shop_service_pb2,
)
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.inventory.v1 import inventory_pb2, inventory_service_pb2, stock_movement_pb2
from shelfcast.inventory.v1 import stock_movement_service_pb2 as stock_service_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.domain.event import SalesChanged
from shelfcast_servicekit.transact import Transactor

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

HEADER = "date,store,item,sales\n"
FILE = (HEADER + "2017-01-01,1,1,5\n2017-01-02,1,1,6\n").encode()
SEED = 20261121
FIRST = date(2026, 1, 1)
Told = list[tuple[str, str]]


def told(service: Service) -> Told:
    """Give name and data version of each event, in their order."""
    return [
        (row[0], row[1]) for row in service.rows("SELECT name, data_version FROM outbox ORDER BY event_no")
    ]


def last(service: Service) -> tuple[str, dict[str, object]]:
    """Give name and facts of the newest event."""
    row = service.rows("SELECT name, facts FROM outbox ORDER BY event_no DESC LIMIT 1")[0]
    return row[0], orjson.loads(row[1])


def versions(service: Service) -> list[str]:
    """Give the names of all data versions, in their order."""
    return [f"dv-{row[0]}" for row in service.rows("SELECT number FROM data_versions ORDER BY number")]


async def sell(service: Service, quantity: float = 5.0) -> sale_pb2.Sale:
    sale = sale_pb2.Sale(shop_id="mitte", product_id="oats", date="2017-09-30", quantity=quantity)
    request = sale_service_pb2.CreateSaleRequest(sale=sale)
    return await service.sales.CreateSale(request, timeout=10, metadata=service.auth())


async def list_product(service: Service, product_id: str) -> product_pb2.Product:
    product = product_pb2.Product(product_id=product_id)
    request = product_service_pb2.CreateProductRequest(product=product)
    return await service.products.CreateProduct(request, timeout=10, metadata=service.auth())


async def test_a_single_sale_names_its_series(service: Service) -> None:
    await sell(service)

    assert told(service) == [("sales_changed", "dv-1")]
    assert last(service)[1] == {"shop_id": "mitte", "product_id": "oats", "date": "2017-09-30"}


async def test_every_way_to_change_sales_tells_once(service: Service) -> None:
    sale = await sell(service)
    await sell(service)  # says nothing new
    changed = sale_pb2.Sale(sale_id=sale.sale_id, quantity=6.0)
    update = sale_service_pb2.UpdateSaleRequest(sale_id=sale.sale_id, sale=changed)
    await service.sales.UpdateSale(update, timeout=10, metadata=service.auth())
    delete = sale_service_pb2.DeleteSaleRequest(sale_id=sale.sale_id)
    await service.sales.DeleteSale(delete, timeout=10, metadata=service.auth())

    assert [name for name, _ in told(service)] == ["sales_changed"] * 3
    assert [version for _, version in told(service)] == versions(service)


async def test_an_import_tells_once_and_its_undoing_once(service: Service) -> None:
    done = await service.load(FILE)
    await service.load(FILE)  # repeats the first
    await service.load(FILE.replace(b"5", b"7"), dry_run=True)
    finished = last(service)
    request = import_service_pb2.UndoImportRequest(import_id=done.import_id)
    for _ in range(2):
        await service.imports.UndoImport(request, timeout=10, metadata=service.auth())

    assert [name for name, _ in told(service)] == ["import_finished", "import_undone"]
    assert [version for _, version in told(service)] == versions(service)
    assert finished == ("import_finished", {"import_id": done.import_id, "row_count": 2})


async def test_the_catalogue_tells_of_its_entries(service: Service) -> None:
    product = await list_product(service, "oats")
    promotion = promotion_pb2.Promotion(
        promotion_id="spring",
        name="Spring",
        kind=promotion_pb2.PROMOTION_KIND_PRICE_CUT,
        product_ids=["oats"],
        start_date="2026-03-01",
        end_date="2026-03-07",
        discount_pct=20,
    )
    request = promotion_service_pb2.CreatePromotionRequest(promotion=promotion)
    await service.promotions.CreatePromotion(request, timeout=10, metadata=service.auth())
    spring = last(service)
    bulk = product_service_pb2.BulkUpsertProductsRequest(
        products=[product_pb2.Product(product_id=f"p{number:03}") for number in range(150)]
    )
    await service.products.BulkUpsertProducts(bulk, timeout=30, metadata=service.auth())
    await service.products.BulkUpsertProducts(bulk, timeout=30, metadata=service.auth())  # nothing new
    name, facts = last(service)

    assert product.product_id == "oats"
    assert spring == (
        "entries_changed",
        {"kind": "promotion", "entries": [{"ids": ["spring"]}], "count": 1},
    )
    assert (name, facts["kind"], facts["count"]) == ("entries_changed", "product", 150)
    assert len(facts["entries"]) == 100  # type: ignore[arg-type]  # it is a list
    assert [version for _, version in told(service)] == versions(service)


async def test_stock_tells_of_movements_and_counts(service: Service) -> None:
    await list_product(service, "oats")
    for shop_id in ("mitte", "nord"):
        shop = shop_service_pb2.CreateShopRequest(shop=shop_pb2.Shop(shop_id=shop_id))
        await service.shops.CreateShop(shop, timeout=10, metadata=service.auth())
    before = len(told(service))
    receipt = stock_movement_pb2.StockMovement(
        kind=stock_movement_pb2.STOCK_MOVEMENT_KIND_RECEIPT, shop_id="mitte", product_id="oats", quantity=2.5
    )
    moved = stock_service_pb2.CreateStockMovementRequest(movement=receipt)
    recorded = await service.stock.CreateStockMovement(moved, timeout=10, metadata=service.auth())
    again = stock_service_pb2.CreateStockMovementRequest(movement=recorded)
    again.movement.ClearField("recorded_at")
    await service.stock.CreateStockMovement(again, timeout=10, metadata=service.auth())
    counts = inventory_service_pb2.BulkCountInventoryRequest(
        inventory=[inventory_pb2.InventoryCount(shop_id="nord", product_id="oats", quantity=4)]
    )
    await service.inventory.BulkCountInventory(counts, timeout=10, metadata=service.auth())

    assert told(service)[before:] == [("stock_moved", ""), ("stock_counted", "")]


async def test_a_refused_change_tells_nothing(service: Service) -> None:
    await list_product(service, "oats")

    with pytest.raises(grpc.aio.AioRpcError):
        await list_product(service, "oats")

    assert len(told(service)) == 1


async def test_an_event_is_there_just_when_its_change_is(service: Service) -> None:
    """Half of the changes are undone after the event was told, some of them after the version was made."""
    chance = random.Random(SEED)
    store: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    kept = 0

    def work(tx: DataTx, day: date, fails_at: int) -> None:
        _, load_no = tx.versions("acme").open_load()
        version = tx.versions("acme").publish(load_no, "sale", 1)
        _fail_at(1, fails_at)
        tx.tell("acme", SalesChanged("mitte", "oats", day), version)
        _fail_at(2, fails_at)

    for number in range(24):
        day, fails_at = FIRST + timedelta(days=number), chance.choice((0, 0, 1, 2))
        with contextlib.suppress(RuntimeError):
            store.transact_sync(partial(work, day=day, fails_at=fails_at))
            kept += 1

    assert [version for _, version in told(service)] == versions(service)
    assert len(told(service)) == kept
    assert 0 < kept < 24


def _fail_at(place: int, wanted: int) -> None:
    if place == wanted:
        raise RuntimeError("the change is undone")
