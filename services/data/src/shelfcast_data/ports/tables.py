"""Whole tables, streamed out of the store and into files."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

from shelfcast_data.domain.data_version import Changes, Snapshot, SnapshotPart, View
from shelfcast_data.domain.difference import Comparison
from shelfcast_data.domain.export import Column, ExportForm, Part
from shelfcast_data.domain.history import HistoryQuery


class TableStream(Protocol):
    """A table on its way out; its summary is right once all chunks are taken."""

    @property
    def row_count(self) -> int:
        """Rows given so far."""

    @property
    def sha256(self) -> str:
        """Digest of all bytes given so far."""


class ExportSheet(Protocol):
    """One file of an export on its way out. Blocking."""

    def add(self, part: Part) -> bytes:
        """Write some rows; give what is ready to go. Raises: ExportTooLong, StorageFull."""

    def end(self) -> Iterator[bytes]:
        """Give the rest. Raises: StorageFull."""

    def close(self) -> None:
        """Let go of everything, ended or not."""


class ExportSheets(Protocol):
    """Files of exports. Blocking."""

    def begin(self, form: ExportForm, columns: Sequence[Column]) -> ExportSheet:
        """Begin a file. Raises: StorageFull."""


class Tables(Protocol):
    """Whole tables of sales out of the store; blocking, for a thread of their own."""

    def write_snapshot(self, tenant: str, view: View, parent: Snapshot | None, changes: Changes) -> Snapshot:
        """Write the months of a view that have changed since `parent`; all without a parent.

        Raises: SalesAbsent, StorageFull.
        """

    def parts(self, snapshot: Snapshot) -> Sequence[tuple[SnapshotPart, str]]:
        """Give the parts of a snapshot and where they lie. Raises: SnapshotDamaged unless all are there."""

    def sales_parts(self, view: View, wanted: HistoryQuery) -> Generator[Part]:
        """Give the days of a view that are asked for, in the columns of an export."""

    def compared(self, base: View, view: View, changes: Changes) -> Generator[Comparison]:
        """Give the rows of both views on the days that have changed between them, series after series."""

    def snapshot_stream(self, snapshot: Snapshot) -> tuple[TableStream, Generator[bytes]]:
        """Give the rows of a snapshot. Raises: SnapshotDamaged, while it is read."""

    def changes_stream(self, view: View, changes: Changes) -> tuple[TableStream, Generator[bytes]]:
        """Give the current rows of all days that have changed; a day without a sale has no quantity."""
