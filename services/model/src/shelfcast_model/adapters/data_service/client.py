"""Calls to the data service on behalf of a tenant: versions, snapshots and changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from shelfcast.sales.v1 import data_version_service_pb2, data_version_service_pb2_grpc
from shelfcast_servicekit.auth import Caller, calling_as
from shelfcast_servicekit.deadline import deadline_within
from shelfcast_servicekit.status import from_rpc_error

from shelfcast_model.adapters.data_service.arrow import TableBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from shelfcast.common.v1 import arrow_pb2
    from shelfcast.sales.v1 import data_version_pb2

T = TypeVar("T")

PERMISSIONS: Final = frozenset({"data_versions.read", "snapshots.read", "snapshots.run"})
PRINCIPAL: Final = "service:model"


@dataclass(frozen=True, slots=True)
class StreamedTable:
    """A whole table stream: its bytes, its digest, and the version of the data that it shows."""

    buffer: TableBuffer
    sha256: str | None
    data_version: str


class DataServiceClient:
    """Asks the data service under the model service's own name, for one tenant at a time."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Ask over `channel`, made by `open_channel`."""
        self._stub = data_version_service_pb2_grpc.DataVersionServiceStub(channel)

    async def current_version(self, tenant: str, timeout_seconds: float) -> str:
        """Give the newest data version of the tenant, or raise what the data service raised."""
        request = data_version_service_pb2.GetCurrentDataVersionRequest()

        async def ask() -> str:
            reply = await self._stub.GetCurrentDataVersion(request, timeout=timeout_seconds)
            return reply.data_version

        return await _asking(tenant, ask)

    async def create_snapshot(self, tenant: str, timeout_seconds: float = 60.0) -> data_version_pb2.Snapshot:
        """Give a snapshot of the newest data version, made if there is none yet."""
        request = data_version_service_pb2.CreateSnapshotRequest()

        async def ask() -> data_version_pb2.Snapshot:
            return await self._stub.CreateSnapshot(request, timeout=timeout_seconds)

        return await _asking(tenant, ask)

    async def read_snapshot(self, tenant: str, snapshot_id: str) -> StreamedTable:
        """Give all rows of a snapshot."""
        request = data_version_service_pb2.ReadSnapshotRequest(snapshot_id=snapshot_id)
        return await _asking(tenant, lambda: _collected(self._stub.ReadSnapshot(request, timeout=120.0)))

    async def read_changes(self, tenant: str, since: str) -> StreamedTable:
        """Give the rows of all days that changed after a data version."""
        request = data_version_service_pb2.ReadChangesRequest(since_data_version=since)
        return await _asking(tenant, lambda: _collected(self._stub.ReadChanges(request, timeout=60.0)))


async def _asking(tenant: str, ask: Callable[[], Awaitable[T]]) -> T:
    """Ask as the model service, outside the deadline of the request that happened to cause it."""
    with calling_as(Caller(tenant, PRINCIPAL, PERMISSIONS)), deadline_within(None):
        try:
            return await ask()
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, service="data") from error


async def _collected(chunks: AsyncIterable[arrow_pb2.ArrowChunk]) -> StreamedTable:
    buffer, sha256, version = TableBuffer(), None, ""
    async for chunk in chunks:
        buffer.add(chunk.ipc)
        if chunk.HasField("summary"):
            sha256, version = chunk.summary.sha256, chunk.summary.data_version
    return StreamedTable(buffer, sha256, version)
