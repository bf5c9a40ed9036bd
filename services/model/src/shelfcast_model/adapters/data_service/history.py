"""The history of each tenant: a snapshot, the changes since, and a refresh when the version moves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.cache import SingleFlight
from shelfcast_servicekit.errors import ShelfcastError

from shelfcast_model.adapters.data_service.arrow import file_digest, parquet_rows
from shelfcast_model.domain.history import History, history_of
from shelfcast_model.domain.sales_grid import SalesGrid, empty_grid, with_rows
from shelfcast_model.errors import HistoryEmpty
from shelfcast_model.ports import HistoryView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from shelfcast.sales.v1 import data_version_pb2
    from shelfcast_servicekit.executor import BlockingExecutor

    from shelfcast_model.adapters.data_service.arrow import TableBuffer
    from shelfcast_model.adapters.data_service.client import DataServiceClient
    from shelfcast_model.domain.sales_grid import SalesRows

ASK_EVERY_SECONDS: Final = 1.0
ASK_TIMEOUT_SECONDS: Final = 1.0
NO_SALES: Final = "SALES_ABSENT"
TOO_OLD: Final = frozenset({"DATA_VERSION_NOT_FOUND", "SNAPSHOT_NOT_FOUND"})

_LOG: Final = logging.getLogger(__name__)


class DataServiceHistory:
    """Holds the histories of the tenants that were asked for last; readers never wait for each other.

    A history is replaced whole: who reads the former one goes on with it. When the version has moved, a
    reader waits a short while for the new history, and gets the former one, marked, when it takes longer.
    """

    def __init__(
        self,
        client: DataServiceClient,
        executor: BlockingExecutor,
        store_root: Path | None,
        *,
        most_tenants: int = 16,
        wait_seconds: float = 1.0,
    ) -> None:
        """store_root: local folder of the shared store; None when the store is remote: all is streamed."""
        self._client = client
        self._executor = executor
        self._root = store_root
        self._most_tenants = most_tenants
        self._wait_seconds = wait_seconds
        self._held: OrderedDict[str, History] = OrderedDict()
        self._versions: dict[str, tuple[float, str]] = {}
        self._loading: SingleFlight[str, History] = SingleFlight()

    async def view(self, tenant: str, announced: str | None) -> HistoryView:
        """Give the history, at the announced version if that can be had soon. Raises as the port says."""
        held = self._held.get(tenant)
        wanted = announced or await self._asked_version(tenant, may_fail=held is not None)
        if held is None:
            return await self._first_view(tenant, wanted)
        self._held.move_to_end(tenant)
        if wanted == held.data_version:
            return HistoryView(held, is_current=True)
        if wanted is None:
            return HistoryView(held, is_current=False)
        return await self._soon(tenant, wanted, held)

    async def follow(self, tenant: str, version: str) -> bool:
        """Take in a version that has been told of, if the tenant's history is held and older.

        Says whether it was. Raises: ShelfcastError when the version cannot be had now.
        """
        held = self._held.get(tenant)
        if held is None or _is_at_least(held.data_version, version):
            return False
        await self._load(tenant)
        return True

    async def _first_view(self, tenant: str, wanted: str | None) -> HistoryView:
        history = await self._load(tenant)
        return HistoryView(history, is_current=_is_at_least(history.data_version, wanted))

    async def _soon(self, tenant: str, wanted: str, held: History) -> HistoryView:
        if _is_at_least(held.data_version, wanted):  # the announcement is older than what is held
            return HistoryView(held, is_current=True)
        try:
            async with asyncio.timeout(self._wait_seconds):
                history = await self._load(tenant)
        except (TimeoutError, ShelfcastError):
            return HistoryView(self._held.get(tenant, held), is_current=False)
        return HistoryView(history, is_current=_is_at_least(history.data_version, wanted))

    async def _asked_version(self, tenant: str, *, may_fail: bool) -> str | None:
        """Ask the data service for the newest version, at most once a second; None when it is away."""
        asked_at, version = self._versions.get(tenant, (float("-inf"), ""))
        if time.monotonic() - asked_at < ASK_EVERY_SECONDS:
            return version
        try:
            version = await self._client.current_version(tenant, ASK_TIMEOUT_SECONDS)
        except ShelfcastError as error:
            if may_fail or error.reason in TOO_OLD:
                return None
            raise
        self._versions[tenant] = (time.monotonic(), version)
        return version

    def _load(self, tenant: str) -> Awaitable[History]:
        return self._loading.run(tenant, lambda: self._loaded(tenant))

    async def _loaded(self, tenant: str) -> History:
        held, started = self._held.get(tenant), time.perf_counter()
        history = await (self._snapshot(tenant) if held is None else self._refreshed(held))
        if held is not None and tenant not in self._held:  # others were asked for meanwhile
            return history
        self._held[tenant] = history
        while len(self._held) > self._most_tenants:
            self._held.popitem(last=False)
        seconds = time.perf_counter() - started
        _LOG.info("history at %s: %d series in %.2f s", history.data_version, len(history.positions), seconds)
        return history

    async def _refreshed(self, held: History) -> History:
        """Take in what changed since, or begin anew when the data service no longer knows the version."""
        try:
            table = await self._client.read_changes(held.tenant, held.data_version)
        except ShelfcastError as error:
            if error.reason in TOO_OLD:
                return await self._snapshot(held.tenant)
            raise
        grid = await self._executor.run(_changed, held.grid, table.buffer, table.sha256)
        if grid.last_day < held.grid.last_day:  # what the days at the end have pushed out may be had again
            return await self._snapshot(held.tenant)
        version = table.data_version or held.data_version
        return await self._executor.run(history_of, held.tenant, version, held.snapshot_id, grid, held)

    async def _snapshot(self, tenant: str) -> History:
        try:
            snapshot = await self._client.create_snapshot(tenant)
        except ShelfcastError as error:
            if error.reason == NO_SALES:
                raise HistoryEmpty from error
            raise
        rows = await self._rows(tenant, snapshot)
        grid = await self._executor.run(with_rows, empty_grid(), rows)
        version, snapshot_id = snapshot.data_version, snapshot.snapshot_id
        return await self._executor.run(history_of, tenant, version, snapshot_id, grid)

    async def _rows(self, tenant: str, snapshot: data_version_pb2.Snapshot) -> SalesRows:
        rows = await self._executor.run(self._shared_rows, snapshot.parts)
        if rows is not None:
            return rows
        table = await self._client.read_snapshot(tenant, snapshot.snapshot_id)
        return await self._executor.run(table.buffer.rows, table.sha256)

    def _shared_rows(self, parts: Iterable[data_version_pb2.SnapshotPart]) -> SalesRows | None:
        """Give the rows of a snapshot's parts in the shared store, if all are there, whole and inside it."""
        paths = [self._shared_file(part) for part in parts]
        whole = [path for path in paths if path is not None]
        return parquet_rows(whole) if paths and len(whole) == len(paths) else None

    def _shared_file(self, part: data_version_pb2.SnapshotPart) -> Path | None:
        if self._root is None or not part.store_path:
            return None
        root = self._root.resolve()
        path = (root / part.store_path).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            return None
        return path if file_digest(path) == part.digest else None


def _changed(grid: SalesGrid, buffer: TableBuffer, sha256: str | None) -> SalesGrid:
    return with_rows(grid, buffer.rows(sha256))


def _is_at_least(version: str, wanted: str | None) -> bool:
    return wanted is None or _number(version) >= _number(wanted)


def _number(version: str) -> int:
    """Give n of `dv-<n>`; an unknown form is older than any."""
    digits = version.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else -1
