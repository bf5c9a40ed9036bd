"""Messages of levels, lots, count sheets and stock-outs to values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.common.v1 import row_report_pb2
from shelfcast.inventory.v1 import inventory_pb2, inventory_service_pb2

from shelfcast_data.domain.decimal_text import float_fault, from_float, millionths_of
from shelfcast_data.domain.stock_count import MOST_LISTED, CountNote, CountRow
from shelfcast_data.domain.stock_level import LevelQuery, LotQuery
from shelfcast_data.domain.stockout import StockoutQuery
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.mapping import business_date, rejection_to_proto
from shelfcast_data.entrypoints.grpc.stock_mapping import day_text, optional, units

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from google.protobuf.message import Message

    from shelfcast_data.domain.stock_count import CountReport
    from shelfcast_data.domain.stock_level import LotLevel, ProductStock, ShopStock, StockLevel
    from shelfcast_data.domain.stockout import Stockout

NO_MOVEMENTS = "NO_MOVEMENTS"


def level_query_from_proto(message: inventory_service_pb2.ListInventoryRequest) -> LevelQuery:
    """Give which levels are asked for; a bound beyond every level is cut to one."""
    below = None
    if message.HasField("below"):
        bound = message.below
        below = millionths_of(from_float(max(-_FAR, min(_FAR, bound)) if float_fault(bound) else bound))
    return LevelQuery(optional(message, "shop_id"), optional(message, "product_id"), below)


_FAR = 999_999_999_999.0


def lot_query_from_proto(message: inventory_service_pb2.ListLotsRequest) -> LotQuery:
    """Give which lots are asked for. Raises: DateMalformed."""
    return LotQuery(
        optional(message, "shop_id"), optional(message, "product_id"), _day(message, "expires_by")
    )


def stockout_query_from_proto(message: inventory_service_pb2.ListStockoutsRequest) -> StockoutQuery:
    """Give which days are asked for. Raises: DateMalformed."""
    return StockoutQuery(
        optional(message, "shop_id"),
        optional(message, "product_id"),
        _day(message, "start"),
        _day(message, "end"),
    )


def _day(message: Message, name: str) -> date | None:
    text = optional(message, name)
    return None if text is None else business_date(text, f"/{name}")


def count_rows(message: inventory_service_pb2.BulkCountInventoryRequest) -> Iterator[CountRow]:
    """Give the rows of a count sheet one by one; it is read on a thread of its own."""
    for row in message.inventory:
        quantity = row.quantity if row.HasField("quantity") else None
        yield CountRow(row.shop_id, row.product_id, row.lot_id, row.expiry_date, quantity)


def count_note(message: inventory_service_pb2.BulkCountInventoryRequest) -> CountNote:
    """Give what a count sheet says about all its rows."""
    return CountNote(message.reference, message.reason, message.atomic)


def report_to_proto(report: CountReport) -> row_report_pb2.RowReport:
    """Give what became of a count sheet as a message."""
    return row_report_pb2.RowReport(
        accepted_count=report.accepted,
        rejected_count=report.rejected,
        repeated_count=report.repeated,
        rejections=[rejection_to_proto(each) for each in report.rejections[:MOST_LISTED]],
        truncated=len(report.rejections) > MOST_LISTED,
    )


def level_to_proto(level: StockLevel) -> inventory_pb2.InventoryLevel:
    """Give a level as a message."""
    return inventory_pb2.InventoryLevel(
        shop_id=level.shop_id,
        product_id=level.product_id,
        quantity=units(level.quantity),
        is_negative=level.quantity < 0,
        updated_at=timestamp(level.updated_at),
    )


def lot_to_proto(lot: LotLevel) -> inventory_pb2.Lot:
    """Give a lot as a message."""
    return inventory_pb2.Lot(
        shop_id=lot.account.shop_id,
        product_id=lot.account.product_id,
        lot_id=lot.account.lot_id or None,
        expiry_date=day_text(lot.expiry_date),
        quantity=units(lot.quantity),
        is_negative=lot.quantity < 0,
    )


def stock_to_proto(stock: ProductStock) -> inventory_pb2.ProductInventory:
    """Give the stock of a product as a message."""
    total = sum(shop.quantity for shop in stock.shops)
    return inventory_pb2.ProductInventory(
        product_id=stock.product_id,
        as_of=timestamp(stock.as_of),
        quantity=units(total) if stock.shops else None,
        shops=map(_shop_to_proto, stock.shops),
        null_reasons={} if stock.shops else {"quantity": NO_MOVEMENTS},
    )


def _shop_to_proto(shop: ShopStock) -> inventory_pb2.ShopInventory:
    return inventory_pb2.ShopInventory(
        shop_id=shop.shop_id,
        quantity=units(shop.quantity),
        is_negative=shop.quantity < 0,
        lots=map(lot_to_proto, shop.lots),
    )


def stockout_to_proto(stockout: Stockout) -> inventory_pb2.Stockout:
    """Give a day without stock as a message."""
    return inventory_pb2.Stockout(
        shop_id=stockout.shop_id,
        product_id=stockout.product_id,
        date=stockout.day.isoformat(),
        is_reported=stockout.is_reported,
        is_derived=stockout.is_derived,
    )
