"""The RPCs of products and shops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import empty_pb2
from shelfcast.catalog.v1 import (
    product_pb2,
    product_service_pb2,
    product_service_pb2_grpc,
    shop_pb2,
    shop_service_pb2,
    shop_service_pb2_grpc,
)
from shelfcast.common.v1 import row_report_pb2
from shelfcast_servicekit.auth import current_caller

from shelfcast_data.domain.listing import Filters
from shelfcast_data.entrypoints.grpc.field_value import reference
from shelfcast_data.entrypoints.grpc.form import product_status
from shelfcast_data.entrypoints.grpc.upsert_mapping import product_row, upsert_report_to_proto

if TYPE_CHECKING:
    from shelfcast_data.application.upsert_products import UpsertProducts
    from shelfcast_data.domain.product import ProductFields
    from shelfcast_data.domain.shop import ShopFields
    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class ProductServicer(product_service_pb2_grpc.ProductServiceServicer):
    """Keeps the products of the caller's tenant."""

    def __init__(self, desk: EntryDesk[ProductFields, product_pb2.Product], upsert: UpsertProducts) -> None:
        """Serve what `desk` keeps, and `upsert` for many at once."""
        self._desk = desk
        self._upsert = upsert

    async def CreateProduct(
        self, request: product_service_pb2.CreateProductRequest, context: object
    ) -> product_pb2.Product:
        """Create a product."""
        return await self._desk.create(request.product)

    async def GetProduct(
        self, request: product_service_pb2.GetProductRequest, context: object
    ) -> product_pb2.Product:
        """Read one product."""
        return await self._desk.get(request.product_id)

    async def ListProducts(
        self, request: product_service_pb2.ListProductsRequest, context: object
    ) -> product_service_pb2.ListProductsResponse:
        """List products."""
        equal: dict[str, str | None] = {}
        if request.HasField("supplier_id"):
            equal["supplier_id"] = reference(request, "supplier_id")
        if (status := product_status(request.status)) is not None:
            equal["status"] = status
        below = {"category": request.category} if request.HasField("category") else {}
        filters = Filters(equal=equal, below=below)
        found, token = await self._desk.page(request, filters, request.order_by)
        return product_service_pb2.ListProductsResponse(products=found, next_page_token=token)

    async def UpdateProduct(
        self, request: product_service_pb2.UpdateProductRequest, context: object
    ) -> product_pb2.Product:
        """Change fields of a product."""
        return await self._desk.change((request.product_id,), request.product, request.update_mask)

    async def DeleteProduct(
        self, request: product_service_pb2.DeleteProductRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a product softly, or for good."""
        return await self._desk.delete((request.product_id,), request.etag, for_good=request.force)

    async def BulkUpsertProducts(
        self, request: product_service_pb2.BulkUpsertProductsRequest, context: object
    ) -> row_report_pb2.RowReport:
        """Create or change many products."""
        rows = [product_row(each) for each in request.products]
        report = await self._upsert(current_caller().tenant, rows, atomic=request.atomic)
        return upsert_report_to_proto(report)


class ShopServicer(shop_service_pb2_grpc.ShopServiceServicer):
    """Keeps the shops of the caller's tenant."""

    def __init__(self, desk: EntryDesk[ShopFields, shop_pb2.Shop]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreateShop(self, request: shop_service_pb2.CreateShopRequest, context: object) -> shop_pb2.Shop:
        """Create a shop."""
        return await self._desk.create(request.shop)

    async def GetShop(self, request: shop_service_pb2.GetShopRequest, context: object) -> shop_pb2.Shop:
        """Read one shop."""
        return await self._desk.get(request.shop_id)

    async def ListShops(
        self, request: shop_service_pb2.ListShopsRequest, context: object
    ) -> shop_service_pb2.ListShopsResponse:
        """List shops in the order of their ids."""
        found, token = await self._desk.page(request)
        return shop_service_pb2.ListShopsResponse(shops=found, next_page_token=token)

    async def UpdateShop(self, request: shop_service_pb2.UpdateShopRequest, context: object) -> shop_pb2.Shop:
        """Change fields of a shop."""
        return await self._desk.change((request.shop_id,), request.shop, request.update_mask)

    async def DeleteShop(
        self, request: shop_service_pb2.DeleteShopRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a shop softly."""
        return await self._desk.delete((request.shop_id,), request.etag)
