"""What the RPCs of all kinds of catalogue entries do, in terms of their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Protocol

from google.protobuf import empty_pb2
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.application.catalogue import Change
from shelfcast_data.domain.entry import Entry, F, Key
from shelfcast_data.domain.listing import Filters, Listing, order_of, position
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.form import Form, M

if TYPE_CHECKING:
    from google.protobuf.field_mask_pb2 import FieldMask
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.catalogue import Catalogue


class ListRequest(Protocol):
    """What all requests for a page hold."""

    page_size: int
    page_token: str
    show_deleted: bool


class EntryDesk(Generic[F, M]):
    """Keeps the entries of one kind of the caller's tenant."""

    def __init__(self, catalogue: Catalogue[F], form: Form[F, M], tokens: PageTokens) -> None:
        """Serve `catalogue` in messages of `form`."""
        self._catalogue = catalogue
        self._kind = catalogue.kind
        self._form = form
        self._tokens = tokens

    async def create(self, message: M, *parents: str) -> M:
        """Create an entry below its parents."""
        key = (*parents, str(getattr(message, self._kind.id_name)))
        tenant = current_caller().tenant
        return self._written(await self._catalogue.create(tenant, key, self._form.read(message)))

    async def get(self, *key: str) -> M:
        """Read one entry."""
        return self._written(await self._catalogue.get(current_caller().tenant, key))

    async def page(
        self, request: ListRequest, filters: Filters | None = None, order_by: str = ""
    ) -> tuple[list[M], str]:
        """Give the entries of a page and the token of the next one."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        order = order_of(order_by, self._kind.orders)
        filters = replace(filters or Filters(), with_deleted=request.show_deleted)
        scope = {"list": self._kind.name, "order": repr(order), "filters": repr(filters)}
        after = self._tokens.read(request.page_token, tenant, scope)
        found = await self._catalogue.page(tenant, Listing(size + 1, order, filters, after))
        token = ""
        if len(found) > size:
            token = self._tokens.issue(tenant, scope, position(found[size - 1], self._kind, order))
        return [self._written(each) for each in found[:size]], token

    async def change(self, key: Key, message: M, mask: FieldMask) -> M:
        """Change fields of an entry."""
        change = Change(
            key=key,
            body_key=tuple(str(getattr(message, name)) for name in self._kind.id_names),
            fields=self._form.read(message),
            mask=tuple(mask.paths),
            populated=populated(message),
            etag=str(message.etag),  # type: ignore[attr-defined]  # every resource has one
        )
        return self._written(await self._catalogue.change(current_caller().tenant, change))

    async def delete(self, key: Key, etag: str, *, for_good: bool = False) -> empty_pb2.Empty:
        """Delete an entry, softly or for good."""
        gone = self._catalogue.erase if for_good else self._catalogue.delete
        await gone(current_caller().tenant, key, etag)
        return empty_pb2.Empty()

    def _written(self, entry: Entry[F]) -> M:
        stamp = entry.stamp
        members = {
            **dict(zip(self._kind.id_names, entry.key, strict=True)),
            **self._form.write(entry.fields),
            "created_at": timestamp(stamp.created_at),
            "updated_at": timestamp(stamp.updated_at),
            "deleted_at": timestamp(stamp.deleted_at),
            "etag": stamp.etag,
        }
        return self._form.message(**members)


def populated(message: M) -> frozenset[str]:
    """Give the fields that a message has a value for."""
    return frozenset(descriptor.name for descriptor, _ in message.ListFields())
