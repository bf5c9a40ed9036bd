"""The RPCs of sales and data versions."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from google.protobuf import empty_pb2
from shelfcast.common.v1 import arrow_pb2
from shelfcast.sales.v1 import (
    data_version_pb2,
    data_version_service_pb2,
    data_version_service_pb2_grpc,
    sale_pb2,
    sale_service_pb2,
    sale_service_pb2_grpc,
)
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.application.hand_out_sales import TableEnd
from shelfcast_data.domain.calendar import date_of
from shelfcast_data.domain.sale import SaleKey, place_of
from shelfcast_data.entrypoints.grpc.mapping import (
    history_query_from_proto,
    history_to_proto,
    partial_key_from_proto,
    sale_facts_from_proto,
    sale_key_from_proto,
    sale_to_proto,
)
from shelfcast_data.entrypoints.grpc.version_mapping import (
    data_version_to_proto,
    differences_to_proto,
    snapshot_to_proto,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.hand_out_sales import SalesOutlet
    from shelfcast_data.application.read_history import SalesHistory
    from shelfcast_data.application.record_sales import SalesBook
    from shelfcast_data.application.tell_versions import VersionBook
    from shelfcast_data.domain.history import HistoryPage, HistoryQuery, Period

_VERSIONS = {"list": "data_versions"}
_FILTERS = ("product_id", "shop_id", "start", "end", "as_of")


class SaleServicer(sale_service_pb2_grpc.SaleServiceServicer):
    """Keeps the sales of the caller's tenant."""

    def __init__(self, book: SalesBook, history: SalesHistory, tokens: PageTokens) -> None:
        """Serve `book`, and `history` out of it."""
        self._book = book
        self._history = history
        self._tokens = tokens
        self._replies: WeakKeyDictionary[HistoryPage, sale_service_pb2.ListSalesHistoryResponse] = (
            WeakKeyDictionary()
        )

    async def CreateSale(self, request: sale_service_pb2.CreateSaleRequest, context: object) -> sale_pb2.Sale:
        """Record a sale, or correct the one that the day has."""
        key, facts = sale_key_from_proto(request.sale), sale_facts_from_proto(request.sale)
        return sale_to_proto(await self._book.record(current_caller().tenant, key, facts))

    async def UpdateSale(self, request: sale_service_pb2.UpdateSaleRequest, context: object) -> sale_pb2.Sale:
        """Correct a sale by a new row version."""
        _, known_date = place_of(request.sale_id)
        key = partial_key_from_proto(request.sale, known_date)
        facts = sale_facts_from_proto(request.sale)
        return sale_to_proto(await self._book.correct(current_caller().tenant, request.sale_id, key, facts))

    async def DeleteSale(
        self, request: sale_service_pb2.DeleteSaleRequest, context: object
    ) -> empty_pb2.Empty:
        """Withdraw a sale."""
        await self._book.withdraw(current_caller().tenant, request.sale_id)
        return empty_pb2.Empty()

    async def ListSalesHistory(
        self, request: sale_service_pb2.ListSalesHistoryRequest, context: object
    ) -> sale_service_pb2.ListSalesHistoryResponse:
        """Read sales by day, week or month."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        wanted = history_query_from_proto(request)
        after = self._after(request, tenant, wanted)
        page = await self._history.read(tenant, wanted, size + 1, after)
        found = page.periods
        if len(found) <= size:
            return self._whole(page)
        token = self._tokens.issue(tenant, _scope(request, wanted), _place(found[size - 1]))
        return history_to_proto(page, size, token)

    def _after(
        self, request: sale_service_pb2.ListSalesHistoryRequest, tenant: str, wanted: HistoryQuery
    ) -> SaleKey | None:
        if not request.page_token:
            return None
        position = self._tokens.read(request.page_token, tenant, _scope(request, wanted))
        return SaleKey(position[0], position[1], date_of(position[2])) if position else None

    def _whole(self, page: HistoryPage) -> sale_service_pb2.ListSalesHistoryResponse:
        """Give a last page as a message, the same one for as long as the page is kept."""
        known = self._replies.get(page)
        if known is None:
            known = self._replies[page] = history_to_proto(page, len(page.periods))
        return known


def _scope(request: sale_service_pb2.ListSalesHistoryRequest, wanted: HistoryQuery) -> dict[str, str]:
    sent = {field.name for field, _ in request.ListFields()}
    scope = {name: repr(getattr(request, name)) for name in _FILTERS if name in sent}
    return scope | {"list": "sales", "granularity": wanted.granularity.value}


def _place(period: Period) -> tuple[str, str, str]:
    key = period.sale.key
    return key.shop_id, key.product_id, period.last_date.isoformat()


class DataVersionServicer(data_version_service_pb2_grpc.DataVersionServiceServicer):
    """Names the states of the caller's data and hands them out whole."""

    def __init__(self, outlet: SalesOutlet, book: VersionBook, tokens: PageTokens) -> None:
        """Serve the versions in `book` and the tables of `outlet`."""
        self._outlet = outlet
        self._book = book
        self._tokens = tokens

    async def GetCurrentDataVersion(
        self, request: data_version_service_pb2.GetCurrentDataVersionRequest, context: object
    ) -> data_version_pb2.DataVersion:
        """Read the newest data version."""
        return data_version_to_proto(await self._book.current(current_caller().tenant))

    async def ListDataVersions(
        self, request: data_version_service_pb2.ListDataVersionsRequest, context: object
    ) -> data_version_service_pb2.ListDataVersionsResponse:
        """List data versions, newest first."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        position = self._tokens.read(request.page_token, tenant, _VERSIONS)
        found = await self._book.page(tenant, size + 1, int(position[0]) if position else None)
        versions = map(data_version_to_proto, found[:size])
        reply = data_version_service_pb2.ListDataVersionsResponse(data_versions=versions)
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(
                tenant, _VERSIONS, [str(found[size - 1].version.number)]
            )
        return reply

    async def DiffDataVersions(
        self, request: data_version_service_pb2.DiffDataVersionsRequest, context: object
    ) -> data_version_service_pb2.DiffDataVersionsResponse:
        """Tell in what a data version differs from an earlier one."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        base = request.base_data_version if request.HasField("base_data_version") else None
        scope = {"list": "differences", "data_version": request.data_version, "base": base or ""}
        position = self._tokens.read(request.page_token, tenant, scope)
        after = SaleKey(position[0], position[1], date_of(position[2])) if position else None
        page = await self._outlet.differences(tenant, request.data_version, base, size + 1, after)
        reply = differences_to_proto(page, size)
        if len(page.days) > size:
            last = page.days[size - 1].key
            place = (last.shop_id, last.product_id, last.sale_date.isoformat())
            reply.next_page_token = self._tokens.issue(tenant, scope, place)
        return reply

    async def CreateSnapshot(
        self, request: data_version_service_pb2.CreateSnapshotRequest, context: object
    ) -> data_version_pb2.Snapshot:
        """Make a snapshot of a data version, or give the one that shows it already."""
        version = request.data_version if request.HasField("data_version") else None
        as_of = request.as_of.ToDatetime(UTC) if request.HasField("as_of") else None
        return snapshot_to_proto(await self._outlet.snapshot(current_caller().tenant, version, as_of))

    async def ReadSnapshot(
        self, request: data_version_service_pb2.ReadSnapshotRequest, context: object
    ) -> AsyncIterator[arrow_pb2.ArrowChunk]:
        """Read a snapshot as a table."""
        async for part in self._outlet.read_snapshot(current_caller().tenant, request.snapshot_id):
            yield _chunk(part)

    async def ReadChanges(
        self, request: data_version_service_pb2.ReadChangesRequest, context: object
    ) -> AsyncIterator[arrow_pb2.ArrowChunk]:
        """Read the current rows of all days that changed after a data version."""
        async for part in self._outlet.read_changes(current_caller().tenant, request.since_data_version):
            yield _chunk(part)


def _chunk(part: bytes | TableEnd) -> arrow_pb2.ArrowChunk:
    if isinstance(part, bytes):
        return arrow_pb2.ArrowChunk(ipc=part)
    summary = arrow_pb2.TableSummary(
        row_count=part.row_count, sha256=part.sha256, data_version=part.data_version
    )
    return arrow_pb2.ArrowChunk(summary=summary)
