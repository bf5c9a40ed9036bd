"""The RPCs of suppliers and their terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import empty_pb2
from shelfcast.catalog.v1 import (
    supplier_pb2,
    supplier_service_pb2,
    supplier_service_pb2_grpc,
    supplier_terms_pb2,
    supplier_terms_service_pb2,
    supplier_terms_service_pb2_grpc,
)

from shelfcast_data.domain.listing import Filters
from shelfcast_data.entrypoints.grpc.field_value import ids

if TYPE_CHECKING:
    from shelfcast_data.domain.supplier import SupplierFields, TermsFields
    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class SupplierServicer(supplier_service_pb2_grpc.SupplierServiceServicer):
    """Keeps the suppliers of the caller's tenant."""

    def __init__(self, desk: EntryDesk[SupplierFields, supplier_pb2.Supplier]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreateSupplier(
        self, request: supplier_service_pb2.CreateSupplierRequest, context: object
    ) -> supplier_pb2.Supplier:
        """Create a supplier."""
        return await self._desk.create(request.supplier)

    async def GetSupplier(
        self, request: supplier_service_pb2.GetSupplierRequest, context: object
    ) -> supplier_pb2.Supplier:
        """Read one supplier."""
        return await self._desk.get(request.supplier_id)

    async def ListSuppliers(
        self, request: supplier_service_pb2.ListSuppliersRequest, context: object
    ) -> supplier_service_pb2.ListSuppliersResponse:
        """List suppliers."""
        found, token = await self._desk.page(request, order_by=request.order_by)
        return supplier_service_pb2.ListSuppliersResponse(suppliers=found, next_page_token=token)

    async def UpdateSupplier(
        self, request: supplier_service_pb2.UpdateSupplierRequest, context: object
    ) -> supplier_pb2.Supplier:
        """Change fields of a supplier."""
        return await self._desk.change((request.supplier_id,), request.supplier, request.update_mask)

    async def DeleteSupplier(
        self, request: supplier_service_pb2.DeleteSupplierRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a supplier softly."""
        return await self._desk.delete((request.supplier_id,), request.etag)


class SupplierTermsServicer(supplier_terms_service_pb2_grpc.SupplierTermsServiceServicer):
    """Keeps the terms of each supplier of the caller's tenant."""

    def __init__(self, desk: EntryDesk[TermsFields, supplier_terms_pb2.SupplierTerms]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreateSupplierTerms(
        self, request: supplier_terms_service_pb2.CreateSupplierTermsRequest, context: object
    ) -> supplier_terms_pb2.SupplierTerms:
        """Create a set of terms."""
        return await self._desk.create(request.terms, request.supplier_id)

    async def GetSupplierTerms(
        self, request: supplier_terms_service_pb2.GetSupplierTermsRequest, context: object
    ) -> supplier_terms_pb2.SupplierTerms:
        """Read one set of terms."""
        return await self._desk.get(request.supplier_id, request.product_id)

    async def ListSupplierTerms(
        self, request: supplier_terms_service_pb2.ListSupplierTermsRequest, context: object
    ) -> supplier_terms_service_pb2.ListSupplierTermsResponse:
        """List the terms of one supplier."""
        filters = Filters(equal={"supplier_id": ids([request.supplier_id])[0]})
        found, token = await self._desk.page(request, filters, request.order_by)
        return supplier_terms_service_pb2.ListSupplierTermsResponse(terms=found, next_page_token=token)

    async def UpdateSupplierTerms(
        self, request: supplier_terms_service_pb2.UpdateSupplierTermsRequest, context: object
    ) -> supplier_terms_pb2.SupplierTerms:
        """Change fields of a set of terms."""
        return await self._desk.change(
            (request.supplier_id, request.product_id), request.terms, request.update_mask
        )

    async def DeleteSupplierTerms(
        self, request: supplier_terms_service_pb2.DeleteSupplierTermsRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a set of terms softly."""
        return await self._desk.delete((request.supplier_id, request.product_id), request.etag)
