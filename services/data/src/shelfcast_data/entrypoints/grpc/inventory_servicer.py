"""The RPCs of levels, lots, count sheets and stock-outs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from shelfcast.inventory.v1 import inventory_pb2, inventory_service_pb2, inventory_service_pb2_grpc
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import FieldMissing, PayloadTooLarge, Violation
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.domain.movement_facts import StockAccount
from shelfcast_data.domain.stock_count import MOST_ROWS
from shelfcast_data.entrypoints.grpc.inventory_mapping import (
    count_note,
    count_rows,
    level_query_from_proto,
    level_to_proto,
    lot_query_from_proto,
    lot_to_proto,
    report_to_proto,
    stock_to_proto,
    stockout_query_from_proto,
    stockout_to_proto,
)
from shelfcast_data.entrypoints.grpc.mapping import instant
from shelfcast_data.entrypoints.grpc.pages import filters_of
from shelfcast_data.entrypoints.grpc.stock_mapping import optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.count_stock import StockTaking
    from shelfcast_data.application.read_inventory import InventoryBook
    from shelfcast_data.domain.stock_level import LotLevel


class InventoryServicer(inventory_service_pb2_grpc.InventoryServiceServicer):
    """Tells what the caller's tenant has in stock."""

    def __init__(self, book: InventoryBook, taking: StockTaking, tokens: PageTokens) -> None:
        """Serve `book`, and take count sheets by `taking`."""
        self._book = book
        self._taking = taking
        self._tokens = tokens

    async def GetInventory(
        self, request: inventory_service_pb2.GetInventoryRequest, context: object
    ) -> inventory_pb2.ProductInventory:
        """Read the stock of one product by shop and lot."""
        as_of = instant(request.as_of, "/as_of") if request.HasField("as_of") else None
        shop_id, tenant = optional(request, "shop_id"), current_caller().tenant
        return stock_to_proto(await self._book.product(tenant, request.product_id, shop_id, as_of))

    async def ListInventory(
        self, request: inventory_service_pb2.ListInventoryRequest, context: object
    ) -> inventory_service_pb2.ListInventoryResponse:
        """List levels in the order of shop and product."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "inventory")
        position = self._tokens.read(request.page_token, tenant, scope)
        after = (position[0], position[1]) if position else None
        found = await self._book.levels(tenant, level_query_from_proto(request), size + 1, after)
        reply = inventory_service_pb2.ListInventoryResponse(levels=map(level_to_proto, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            reply.next_page_token = self._tokens.issue(tenant, scope, [last.shop_id, last.product_id])
        return reply

    async def BulkCountInventory(
        self, request: inventory_service_pb2.BulkCountInventoryRequest, context: object
    ) -> inventory_service_pb2.BulkCountInventoryResponse:
        """Set many levels to what was counted."""
        _check_size(len(request.inventory))
        report = await self._taking.take(current_caller().tenant, count_rows(request), count_note(request))
        return inventory_service_pb2.BulkCountInventoryResponse(report=report_to_proto(report))

    async def ListLots(
        self, request: inventory_service_pb2.ListLotsRequest, context: object
    ) -> inventory_service_pb2.ListLotsResponse:
        """List lots with stock, those that expire first before the others."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "lots")
        position = self._tokens.read(request.page_token, tenant, scope)
        after = (date.fromisoformat(position[0]), StockAccount(*position[1:])) if position else None
        found = await self._book.lots(tenant, lot_query_from_proto(request), size + 1, after)
        reply = inventory_service_pb2.ListLotsResponse(lots=map(lot_to_proto, found[:size]))
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(tenant, scope, _lot_place(found[size - 1]))
        return reply

    async def ListStockouts(
        self, request: inventory_service_pb2.ListStockoutsRequest, context: object
    ) -> inventory_service_pb2.ListStockoutsResponse:
        """List days on which a product could not be bought."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "stockouts")
        position = self._tokens.read(request.page_token, tenant, scope)
        after = (position[0], position[1], date.fromisoformat(position[2])) if position else None
        page = await self._book.stockouts(tenant, stockout_query_from_proto(request), size, after)
        stockouts = map(stockout_to_proto, page.stockouts)
        reply = inventory_service_pb2.ListStockoutsResponse(stockouts=stockouts)
        if page.next_place is not None:
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(part) for part in page.next_place])
        return reply


def _check_size(rows: int) -> None:
    if not rows:
        fault = Violation("/inventory", "The rows that were counted are required.", "required")
        raise FieldMissing(violations=[fault], field="inventory")
    if rows > MOST_ROWS:
        raise PayloadTooLarge(limit=str(MOST_ROWS), size=str(rows))


def _lot_place(lot: LotLevel) -> Sequence[str]:
    day = date.max if lot.expiry_date is None else lot.expiry_date
    return day.isoformat(), lot.account.shop_id, lot.account.product_id, lot.account.lot_id
