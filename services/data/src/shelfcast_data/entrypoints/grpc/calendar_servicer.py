"""The RPCs of what holds from one day to another: price changes, promotions, closures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from google.protobuf import empty_pb2
from shelfcast.catalog.v1 import (
    closure_pb2,
    closure_service_pb2,
    closure_service_pb2_grpc,
    price_change_pb2,
    price_change_service_pb2,
    price_change_service_pb2_grpc,
    promotion_pb2,
    promotion_service_pb2,
    promotion_service_pb2_grpc,
)

from shelfcast_data.domain.listing import Filters
from shelfcast_data.entrypoints.grpc.field_value import days, reference

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from shelfcast_data.domain.closure import ClosureFields
    from shelfcast_data.domain.price_change import PriceChangeFields
    from shelfcast_data.domain.promotion import PromotionFields
    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class PriceChangeServicer(price_change_service_pb2_grpc.PriceChangeServiceServicer):
    """Keeps the price changes of the caller's tenant."""

    def __init__(self, desk: EntryDesk[PriceChangeFields, price_change_pb2.PriceChange]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreatePriceChange(
        self, request: price_change_service_pb2.CreatePriceChangeRequest, context: object
    ) -> price_change_pb2.PriceChange:
        """Create a price change."""
        return await self._desk.create(request.price_change)

    async def GetPriceChange(
        self, request: price_change_service_pb2.GetPriceChangeRequest, context: object
    ) -> price_change_pb2.PriceChange:
        """Read one price change."""
        return await self._desk.get(request.price_change_id)

    async def ListPriceChanges(
        self, request: price_change_service_pb2.ListPriceChangesRequest, context: object
    ) -> price_change_service_pb2.ListPriceChangesResponse:
        """List price changes."""
        filters = _filters(request, "product_id", "shop_id")
        found, token = await self._desk.page(request, filters, request.order_by)
        return price_change_service_pb2.ListPriceChangesResponse(price_changes=found, next_page_token=token)

    async def UpdatePriceChange(
        self, request: price_change_service_pb2.UpdatePriceChangeRequest, context: object
    ) -> price_change_pb2.PriceChange:
        """Change fields of a price change."""
        return await self._desk.change((request.price_change_id,), request.price_change, request.update_mask)

    async def DeletePriceChange(
        self, request: price_change_service_pb2.DeletePriceChangeRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a price change softly."""
        return await self._desk.delete((request.price_change_id,), request.etag)


class PromotionServicer(promotion_service_pb2_grpc.PromotionServiceServicer):
    """Keeps the promotions calendar of the caller's tenant."""

    def __init__(self, desk: EntryDesk[PromotionFields, promotion_pb2.Promotion]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreatePromotion(
        self, request: promotion_service_pb2.CreatePromotionRequest, context: object
    ) -> promotion_pb2.Promotion:
        """Create a promotion."""
        return await self._desk.create(request.promotion)

    async def GetPromotion(
        self, request: promotion_service_pb2.GetPromotionRequest, context: object
    ) -> promotion_pb2.Promotion:
        """Read one promotion."""
        return await self._desk.get(request.promotion_id)

    async def ListPromotions(
        self, request: promotion_service_pb2.ListPromotionsRequest, context: object
    ) -> promotion_service_pb2.ListPromotionsResponse:
        """List promotions."""
        named = _references(request, "product_id", "shop_id")
        filters = replace(_filters(request), holding={f"{name}s": each for name, each in named.items()})
        found, token = await self._desk.page(request, filters, request.order_by)
        return promotion_service_pb2.ListPromotionsResponse(promotions=found, next_page_token=token)

    async def UpdatePromotion(
        self, request: promotion_service_pb2.UpdatePromotionRequest, context: object
    ) -> promotion_pb2.Promotion:
        """Change fields of a promotion."""
        return await self._desk.change((request.promotion_id,), request.promotion, request.update_mask)

    async def DeletePromotion(
        self, request: promotion_service_pb2.DeletePromotionRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a promotion softly."""
        return await self._desk.delete((request.promotion_id,), request.etag)


class ClosureServicer(closure_service_pb2_grpc.ClosureServiceServicer):
    """Keeps the closures of shops of the caller's tenant."""

    def __init__(self, desk: EntryDesk[ClosureFields, closure_pb2.Closure]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreateClosure(
        self, request: closure_service_pb2.CreateClosureRequest, context: object
    ) -> closure_pb2.Closure:
        """Create a closure."""
        return await self._desk.create(request.closure)

    async def GetClosure(
        self, request: closure_service_pb2.GetClosureRequest, context: object
    ) -> closure_pb2.Closure:
        """Read one closure."""
        return await self._desk.get(request.closure_id)

    async def ListClosures(
        self, request: closure_service_pb2.ListClosuresRequest, context: object
    ) -> closure_service_pb2.ListClosuresResponse:
        """List closures."""
        filters = _filters(request, "shop_id")
        found, token = await self._desk.page(request, filters, request.order_by)
        return closure_service_pb2.ListClosuresResponse(closures=found, next_page_token=token)

    async def UpdateClosure(
        self, request: closure_service_pb2.UpdateClosureRequest, context: object
    ) -> closure_pb2.Closure:
        """Change fields of a closure."""
        return await self._desk.change((request.closure_id,), request.closure, request.update_mask)

    async def DeleteClosure(
        self, request: closure_service_pb2.DeleteClosureRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a closure softly."""
        return await self._desk.delete((request.closure_id,), request.etag)


def _filters(request: Message, *ids: str) -> Filters:
    """Give the filters in a request for a page: some ids, and days of which one must be among an entry's."""
    span = days(request, "", "start_date", "end_date")
    return Filters(equal=_references(request, *ids), start=span["start_date"], end=span["end_date"])


def _references(request: Message, *names: str) -> dict[str, str | None]:
    """Give the ids that a request tells; an empty one is None."""
    return {name: reference(request, name) for name in names if request.HasField(name)}
