"""The RPCs of the planning service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.planning.v1 import stock_level_service_pb2_grpc as rpc

from shelfcast_planning.entrypoints.grpc.mapping import question_from_proto, stock_level_to_proto

if TYPE_CHECKING:
    import grpc
    from shelfcast.planning.v1 import stock_level_service_pb2 as pb

    from shelfcast_planning.application.compute_stock_level import ComputeStockLevel


class StockLevelServicer(rpc.StockLevelServiceServicer):
    """Computes stock levels from demand and lead time."""

    def __init__(self, compute_stock_level: ComputeStockLevel) -> None:
        """Answer by `compute_stock_level`."""
        self._compute_stock_level = compute_stock_level

    async def ComputeStockLevel(
        self,
        request: pb.ComputeStockLevelRequest,
        context: grpc.aio.ServicerContext[pb.ComputeStockLevelRequest, pb.StockLevel],
    ) -> pb.StockLevel:
        """Give safety stock and order-up-to level."""
        return stock_level_to_proto(await self._compute_stock_level(question_from_proto(request)))
