"""The RPCs of categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import empty_pb2
from shelfcast.catalog.v1 import (
    category_pb2,
    category_service_pb2,
    category_service_pb2_grpc,
)

from shelfcast_data.domain.listing import Filters
from shelfcast_data.entrypoints.grpc.field_value import reference

if TYPE_CHECKING:
    from shelfcast_data.domain.category import CategoryFields
    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class CategoryServicer(category_service_pb2_grpc.CategoryServiceServicer):
    """Keeps the tree of categories of the caller's tenant."""

    def __init__(self, desk: EntryDesk[CategoryFields, category_pb2.Category]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreateCategory(
        self, request: category_service_pb2.CreateCategoryRequest, context: object
    ) -> category_pb2.Category:
        """Create a category."""
        return await self._desk.create(request.category)

    async def GetCategory(
        self, request: category_service_pb2.GetCategoryRequest, context: object
    ) -> category_pb2.Category:
        """Read one category."""
        return await self._desk.get(request.category_id)

    async def ListCategories(
        self, request: category_service_pb2.ListCategoriesRequest, context: object
    ) -> category_service_pb2.ListCategoriesResponse:
        """List categories."""
        equal = {}
        if request.HasField("parent_category_id"):
            equal["parent_category_id"] = reference(request, "parent_category_id")
        found, token = await self._desk.page(request, Filters(equal=equal), request.order_by)
        return category_service_pb2.ListCategoriesResponse(categories=found, next_page_token=token)

    async def UpdateCategory(
        self, request: category_service_pb2.UpdateCategoryRequest, context: object
    ) -> category_pb2.Category:
        """Change fields of a category."""
        return await self._desk.change((request.category_id,), request.category, request.update_mask)

    async def DeleteCategory(
        self, request: category_service_pb2.DeleteCategoryRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a category softly."""
        return await self._desk.delete((request.category_id,), request.etag)
