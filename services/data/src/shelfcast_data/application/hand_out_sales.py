"""Hand out all sales of a tenant: as snapshots for training, and as changes since a version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shelfcast_servicekit.executor import BlockingExecutor

from shelfcast_data.domain.data_version import (
    Changes,
    Snapshot,
    SnapshotPart,
    View,
    number_of,
    version_name,
)
from shelfcast_data.domain.difference import DifferencePage
from shelfcast_data.domain.sale import SaleKey
from shelfcast_data.errors import RangeReversed, SalesAbsent, SnapshotDamaged
from shelfcast_data.ports.store import Store, Tx
from shelfcast_data.ports.tables import Tables, TableStream


@dataclass(frozen=True, slots=True)
class TableEnd:
    """The summary that closes a stream."""

    row_count: int
    """Rows in the table."""
    sha256: str
    """SHA-256 of all bytes, lower-case hex."""
    data_version: str
    """Version that the table shows."""


@dataclass(frozen=True, slots=True)
class HeldSnapshot:
    """A snapshot and its parts."""

    snapshot: Snapshot
    """What is known of it."""
    parts: Sequence[tuple[SnapshotPart, str]]
    """One a month, in the order of months, with the place of its file relative to the store's root."""


@dataclass(frozen=True, slots=True)
class SalesOutlet:
    """Snapshots and changes of each tenant."""

    store: Store
    tables: Tables
    executor: BlockingExecutor
    """Threads that read and write whole tables."""

    async def snapshot(
        self, tenant: str, data_version: str | None = None, as_of: datetime | None = None
    ) -> HeldSnapshot:
        """Give the snapshot of a version, by default the newest by `as_of`, made if needed.

        Raises: DataVersionNotFound, SalesAbsent, StorageFull.
        """
        number = None if data_version is None else number_of(data_version)

        def work(tx: Tx) -> tuple[View, Snapshot | None, Snapshot | None, Changes]:
            versions = tx.versions(tenant)
            view = versions.view(number, as_of)
            parent = versions.snapshot_before(view.number)
            since = view.number if parent is None else parent.version_number
            changes = versions.changes_between(since, view.number)
            return view, versions.snapshot_of(view.number), parent, changes

        view, known, parent, changes = await self.store.read(work)
        if known is not None:
            with suppress(SnapshotDamaged):
                return HeldSnapshot(known, await self.executor.run(self.tables.parts, known))
        if not view.number:
            raise SalesAbsent
        made = await self.executor.run(self.tables.write_snapshot, tenant, view, parent, changes)
        await self.store.transact(lambda tx: tx.versions(tenant).save_snapshot(made))
        return HeldSnapshot(made, await self.executor.run(self.tables.parts, made))

    async def differences(
        self, tenant: str, data_version: str, base: str | None, limit: int, after: SaleKey | None
    ) -> DifferencePage:
        """Give what a version tells differently from an earlier one, and up to `limit` of the days.

        base: None means the version right before. Raises: DataVersionNotFound, RangeReversed.
        """
        number = number_of(data_version)

        def work(tx: Tx) -> tuple[View, View, Changes]:
            versions = tx.versions(tenant)
            view = versions.view(number)
            earlier = versions.page(1, number)
            start = number_of(base) if base is not None else (earlier[0].number if earlier else 0)
            if start > number:
                raise RangeReversed(start=version_name(start), end=data_version)
            return versions.view(start), view, versions.changes_between(start, number)

        earlier, view, changes = await self.store.read(work)
        compared = self.tables.compared(earlier, view, changes)
        page = DifferencePage(version_name(view.number), version_name(earlier.number), limit, after)
        try:
            while (part := await self.executor.run_to_end(next, compared, None)) is not None:
                page.add(part)
        finally:
            await self.executor.run_to_end(compared.close)
        return page

    async def read_snapshot(self, tenant: str, snapshot_id: str) -> AsyncIterator[bytes | TableEnd]:
        """Give the bytes of a snapshot's rows, and their summary at the end.

        Raises: SnapshotNotFound, SnapshotDamaged.
        """
        snapshot = await self.store.read(lambda tx: tx.versions(tenant).snapshot(snapshot_id))
        stream, chunks = self.tables.snapshot_stream(snapshot)
        async for part in self._parts(stream, chunks, version_name(snapshot.version_number)):
            yield part

    async def read_changes(self, tenant: str, since: str) -> AsyncIterator[bytes | TableEnd]:
        """Give the bytes of the current rows of all days that changed after a version, and their summary.

        Raises: DataVersionNotFound.
        """
        number = number_of(since)

        def work(tx: Tx) -> tuple[View, Changes]:
            versions = tx.versions(tenant)
            versions.view(number)
            view = versions.view()
            return view, versions.changes_between(number, view.number)

        view, changes = await self.store.read(work)
        stream, chunks = self.tables.changes_stream(view, changes)
        async for part in self._parts(stream, chunks, version_name(view.number)):
            yield part

    async def _parts(
        self, stream: TableStream, chunks: Generator[bytes], version: str
    ) -> AsyncIterator[bytes | TableEnd]:
        try:
            while (chunk := await self.executor.run_to_end(next, chunks, None)) is not None:
                yield chunk
        finally:
            await self.executor.run_to_end(chunks.close)
        yield TableEnd(stream.row_count, stream.sha256, version)
