"""The catalogue's RPCs in short, for tests: one object for each kind of entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import field_mask_pb2
from grpc_status import rpc_status
from shelfcast.catalog.v1 import (
    category_pb2,
    category_service_pb2,
    closure_pb2,
    closure_service_pb2,
    price_change_pb2,
    price_change_service_pb2,
    product_pb2,
    product_service_pb2,
    promotion_pb2,
    promotion_service_pb2,
    shop_pb2,
    shop_service_pb2,
    supplier_pb2,
    supplier_service_pb2,
    supplier_terms_pb2,
    supplier_terms_service_pb2,
)

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

from google.rpc import error_details_pb2


@dataclass(frozen=True)
class Form:
    """Names of one kind of entry in the contract."""

    name: str
    plural: str
    member: str
    members: str
    message: Any
    module: Any
    stub: str
    parents: tuple[str, ...] = ()


FORMS: Mapping[str, Form] = {
    "product": Form(
        "Product", "Products", "product", "products", product_pb2.Product, product_service_pb2, "products"
    ),
    "shop": Form("Shop", "Shops", "shop", "shops", shop_pb2.Shop, shop_service_pb2, "shops"),
    "category": Form(
        "Category",
        "Categories",
        "category",
        "categories",
        category_pb2.Category,
        category_service_pb2,
        "categories",
    ),
    "supplier": Form(
        "Supplier",
        "Suppliers",
        "supplier",
        "suppliers",
        supplier_pb2.Supplier,
        supplier_service_pb2,
        "suppliers",
    ),
    "terms": Form(
        "SupplierTerms",
        "SupplierTerms",
        "terms",
        "terms",
        supplier_terms_pb2.SupplierTerms,
        supplier_terms_service_pb2,
        "terms",
        ("supplier_id",),
    ),
    "price_change": Form(
        "PriceChange",
        "PriceChanges",
        "price_change",
        "price_changes",
        price_change_pb2.PriceChange,
        price_change_service_pb2,
        "price_changes",
    ),
    "promotion": Form(
        "Promotion",
        "Promotions",
        "promotion",
        "promotions",
        promotion_pb2.Promotion,
        promotion_service_pb2,
        "promotions",
    ),
    "closure": Form(
        "Closure", "Closures", "closure", "closures", closure_pb2.Closure, closure_service_pb2, "closures"
    ),
}


class Entries:
    """The RPCs of one kind of entry."""

    def __init__(self, service: Service, kind: str, key: str | None = None) -> None:
        self._form = FORMS[kind]
        self._service = service
        self._key = key
        self.id_name = "product_id" if kind == "terms" else f"{self._form.member}_id"

    async def _call(self, verb: str, **members: Any) -> Any:  # noqa: ANN401 - a message of any kind
        name = f"{verb}{self._form.plural if verb == 'List' else self._form.name}"
        request = getattr(self._form.module, f"{name}Request")(**members)
        stub = getattr(self._service, self._form.stub)
        return await getattr(stub, name)(request, timeout=30, metadata=self._service.auth(self._key))

    async def create(self, **fields: Any) -> Any:  # noqa: ANN401 - a message of any kind
        parents = {name: fields[name] for name in self._form.parents}
        return await self._call("Create", **parents, **{self._form.member: self._form.message(**fields)})

    async def get(self, **ids: str) -> Any:  # noqa: ANN401 - a message of any kind
        return await self._call("Get", **ids)

    async def page(self, **asked: Any) -> Any:  # noqa: ANN401 - a message of any kind
        return await self._call("List", **asked)

    async def ids(self, **asked: Any) -> list[str]:  # noqa: ANN401 - fields of a message
        reply = await self.page(**asked)
        return [getattr(each, self.id_name) for each in getattr(reply, self._form.members)]

    async def update(self, ids: Mapping[str, str], *mask: str, **fields: Any) -> Any:  # noqa: ANN401 - a message of any kind
        return await self._call(
            "Update",
            **ids,
            **{self._form.member: self._form.message(**fields)},
            update_mask=field_mask_pb2.FieldMask(paths=mask) if mask else None,
        )

    async def delete(self, *, etag: str = "", **ids: Any) -> None:  # noqa: ANN401 - fields of a message
        await self._call("Delete", **ids, etag=etag)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Give the declared reason of an error."""
    return str(_detail(error, error_details_pb2.ErrorInfo()).reason)


def facts_of(error: grpc.aio.AioRpcError) -> dict[str, str]:
    """Give the metadata of an error."""
    return dict(_detail(error, error_details_pb2.ErrorInfo()).metadata)


def faults_of(error: grpc.aio.AioRpcError) -> list[tuple[str, str]]:
    """Give pointer and rule of each fault."""
    found = _detail(error, error_details_pb2.BadRequest())
    return [(each.field, each.reason) for each in found.field_violations]


def _detail(error: grpc.aio.AioRpcError, message: Any) -> Any:  # noqa: ANN401 - a message of any kind
    status = rpc_status.from_call(error)
    for each in () if status is None else status.details:
        if each.Unpack(message):
            break
    return message
