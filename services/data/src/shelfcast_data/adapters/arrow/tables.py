"""Whole tables of sales: the store's batches as snapshots and streams."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_data.adapters.arrow.sales_table import IpcChunks, record_batch
from shelfcast_data.adapters.arrow.snapshot_file import changed_rows
from shelfcast_data.domain.sales_columns import StoredColumns
from shelfcast_data.domain.table_batch import TableBatch
from shelfcast_data.errors import SnapshotDamaged

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from shelfcast_data.adapters.arrow.snapshot_file import SnapshotFiles
    from shelfcast_data.adapters.sql.sales_table import SalesTable
    from shelfcast_data.domain.data_version import Changes, Snapshot, SnapshotPart, View
    from shelfcast_data.domain.difference import Comparison
    from shelfcast_data.domain.export import Part
    from shelfcast_data.domain.history import HistoryQuery

MOST_MONTHS_SHARE: Final = 3
"""A snapshot is written anew when more than one month in so many has changed."""


class SalesTables:
    """Gives whole tables; blocking, for a thread of its own."""

    def __init__(self, table: SalesTable, files: SnapshotFiles) -> None:
        """Read rows from `table`, keep snapshots in `files`."""
        self._table = table
        self._files = files

    def write_snapshot(self, tenant: str, view: View, parent: Snapshot | None, changes: Changes) -> Snapshot:
        """Write the months of a view that have changed since `parent`; all without a parent.

        Raises: SalesAbsent, StorageFull.
        """
        kept = {} if parent is None else self._kept(parent)
        months = self._table.months(view, changes.loads) if kept else []
        if not kept or len(months) * MOST_MONTHS_SHARE > len(kept):
            parent, kept = None, dict(self._files.write_parts(tenant, self._table.batches(view)))
        for year, month in months if parent is not None else ():
            kept.pop(f"{year:04d}-{month:02d}", None)
            period = date(year, month, 1), date(year, month, monthrange(year, month)[1])
            kept |= self._files.write_parts(tenant, self._table.batches(view, period=period))
        return self._files.write(tenant, view.number, kept, parent)

    def _kept(self, parent: Snapshot) -> dict[str, SnapshotPart]:
        try:
            return {part.month: part for part in self._files.parts(parent)}
        except SnapshotDamaged:
            return {}

    def parts(self, snapshot: Snapshot) -> Sequence[tuple[SnapshotPart, str]]:
        """Give the parts of a snapshot and where they lie. Raises: SnapshotDamaged unless all are there."""
        return [(part, self._files.path(snapshot, part)) for part in self._files.parts(snapshot)]

    def sales_parts(self, view: View, wanted: HistoryQuery) -> Generator[Part]:
        """Give the days of a view that are asked for, in the columns of an export."""
        period = wanted.start or date.min, wanted.end or date.max
        for batch in self._table.batches(view, period=period, only=(wanted.shop_id, wanted.product_id)):
            here = np.flatnonzero(batch.rows.is_withdrawn == 0)
            shown = StoredColumns(batch.rows.sales.taken(here), batch.rows.is_withdrawn[here])
            columns = record_batch(TableBatch(batch.pairs, shown))
            yield {name: columns.column(name) for name in columns.schema.names}

    def compared(self, base: View, view: View, changes: Changes) -> Generator[Comparison]:
        """Give the rows of both views on the days that have changed between them, series after series."""
        return self._table.compared(base, view, changes)

    def snapshot_stream(self, snapshot: Snapshot) -> tuple[IpcChunks, Generator[bytes]]:
        """Give the rows of a snapshot. Raises: SnapshotDamaged, while it is read."""
        stream = IpcChunks()
        return stream, self._files.read(snapshot, stream)

    def changes_stream(self, view: View, changes: Changes) -> tuple[IpcChunks, Generator[bytes]]:
        """Give the current rows of all days that have changed; a day without a sale has no quantity."""
        stream = IpcChunks()
        return stream, changed_rows(self._table.batches(view, changes), stream)
