"""The RPCs of the stock ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.inventory.v1 import (
    stock_movement_pb2,
    stock_movement_service_pb2,
    stock_movement_service_pb2_grpc,
)
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.entrypoints.grpc.pages import filters_of, newest_of, newest_position
from shelfcast_data.entrypoints.grpc.stock_mapping import (
    movement_query_from_proto,
    movement_to_proto,
    new_movement_from_proto,
)

if TYPE_CHECKING:
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.keep_stock import StockLedger


class StockMovementServicer(stock_movement_service_pb2_grpc.StockMovementServiceServicer):
    """Keeps the stock ledger of the caller's tenant."""

    def __init__(self, ledger: StockLedger, tokens: PageTokens) -> None:
        """Serve `ledger`."""
        self._ledger = ledger
        self._tokens = tokens

    async def CreateStockMovement(
        self, request: stock_movement_service_pb2.CreateStockMovementRequest, context: object
    ) -> stock_movement_pb2.StockMovement:
        """Record a movement."""
        new = new_movement_from_proto(request)
        return movement_to_proto(await self._ledger.record(current_caller().tenant, new))

    async def GetStockMovement(
        self, request: stock_movement_service_pb2.GetStockMovementRequest, context: object
    ) -> stock_movement_pb2.StockMovement:
        """Read one movement."""
        return movement_to_proto(await self._ledger.get(current_caller().tenant, request.movement_id))

    async def ListStockMovements(
        self, request: stock_movement_service_pb2.ListStockMovementsRequest, context: object
    ) -> stock_movement_service_pb2.ListStockMovementsResponse:
        """List movements, newest first."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        wanted = movement_query_from_proto(request)
        scope = filters_of(request, "stock_movements")
        position = newest_of(self._tokens.read(request.page_token, tenant, scope))
        after = None if position is None else (position[0], int(position[1]))
        found = await self._ledger.page(tenant, wanted, size + 1, after)
        movements = map(movement_to_proto, found[:size])
        reply = stock_movement_service_pb2.ListStockMovementsResponse(movements=movements)
        if len(found) > size:
            last = found[size - 1]
            place = newest_position(last.occurred_at, str(last.movement_no))
            reply.next_page_token = self._tokens.issue(tenant, scope, place)
        return reply

    async def ReverseStockMovement(
        self, request: stock_movement_service_pb2.ReverseStockMovementRequest, context: object
    ) -> stock_movement_pb2.StockMovement:
        """Take a movement back."""
        tenant = current_caller().tenant
        return movement_to_proto(await self._ledger.reverse(tenant, request.movement_id, request.reason))
