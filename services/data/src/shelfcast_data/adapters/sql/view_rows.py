"""The rows of one view, wherever they are: in the database, in a replica, in files of archived months."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np

from shelfcast_data.adapters.sql.archives import ArchiveRows
from shelfcast_data.adapters.sql.sales_query import (
    Month,
    Period,
    SalesQuery,
    months_of_loads,
    series_of_loads,
    stored_columns,
)
from shelfcast_data.adapters.sql.series import SeriesRows
from shelfcast_data.domain.archive import EPOCH
from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.sales_columns import StoredColumns, newest_of_each, once_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shelfcast_data.adapters.archive.files import ArchiveFiles
    from shelfcast_data.adapters.sql.read_route import ViewReads
    from shelfcast_data.adapters.sql.series import Series
    from shelfcast_data.adapters.sql.transaction import DataTx
    from shelfcast_data.domain.archive import Archive
    from shelfcast_data.domain.data_version import Changes
    from shelfcast_data.domain.sales_columns import Numbers

T = TypeVar("T")
Ids: TypeAlias = tuple[str | None, str | None]

ANY: Final[Ids] = (None, None)
ALL_DAYS: Final[Period] = (date.min, date.max)
_SERIES_PAGE: Final = 5000
_EVERY_LOAD: Final = 2**32 - 1
_SERIES, _DAY, _LOAD = 0, 1, 2


class ViewRows:
    """Reads series and rows of a view; blocking, for several threads."""

    def __init__(self, view: View, reads: ViewReads, archive: ArchiveFiles) -> None:
        """Read `view` through `reads`, and archived months out of `archive`."""
        self.view = view
        self._reads = reads
        self._files = archive

    def at(self, earlier: View) -> ViewRows:
        """Give the rows of an earlier view of the same tenant, read from the same places."""
        return ViewRows(earlier, self._reads, self._files)

    def _settled(self, work: Callable[[DataTx, Archive], T]) -> tuple[Archive, T]:
        """Give what `work` reads in the database, and what was archived before and after that.

        Rows are deleted after their month is marked, and the mark goes when they are back: between two equal
        looks at the marks no row was away from both places.
        """
        while True:
            archive, found, still = self._reads.read_sync(partial(self._looked, work))
            if archive.same_files(still):
                return archive, found

    def _looked(self, work: Callable[[DataTx, Archive], T], tx: DataTx) -> tuple[Archive, T, Archive]:
        rows = ArchiveRows(tx.connection, self.view.tenant_no)
        archive = rows.get()
        return archive, work(tx, archive), rows.get()

    def series(self, changes: Changes | None, only: Ids = ANY) -> Iterator[Series]:
        """Give the series in the order of shop and product; with changes only those that they touch."""
        wanted = None if changes is None else self._touched(changes.loads)
        for page in self._series_pages(only):
            yield from (each for each in page if wanted is None or each.series_no in wanted)

    def _series_pages(self, only: Ids) -> Iterator[Sequence[Series]]:
        start: tuple[str, str] | None = None
        while True:
            page = self._reads.read_sync(partial(self._series_page, only, start))
            yield page[:_SERIES_PAGE]
            if len(page) <= _SERIES_PAGE:
                return
            start = (page[-1].shop_id, page[-1].product_id)

    def _series_page(self, only: Ids, start: tuple[str, str] | None, tx: DataTx) -> Sequence[Series]:
        return SeriesRows(tx.connection, self.view.tenant_no).page(*only, _SERIES_PAGE + 1, start)

    def series_count(self) -> int:
        """Give the number of series, with or without rows."""

        def work(tx: DataTx) -> int:
            query = f"SELECT COUNT(*) FROM series WHERE tenant_no = {int(self.view.tenant_no)}"  # noqa: S608 - a number
            return int(tx.connection.exec_driver_sql(query).scalar() or 0)

        return self._reads.read_sync(work)

    def _touched(self, loads: Sequence[int]) -> set[int]:
        if not loads:
            return set()
        work = partial(series_of_loads, self.view, loads)
        archive, found = self._settled(lambda tx, _: work(tx.connection))
        archived = self._archived_of(archive, loads)
        return found.union(*(np.unique(cells[_SERIES]).tolist() for cells in archived))

    def months(self, loads: Sequence[int]) -> Sequence[Month]:
        """Give the months of the days that some loads have touched, in their order."""
        if not loads:
            return []
        work = partial(months_of_loads, self.view, loads)
        archive, found = self._settled(lambda tx, _: work(tx.connection))
        files = zip(archive.months, self._archived_of(archive, loads), strict=True)
        return sorted(found | {(each.month.year, each.month.month) for each, cells in files if cells.size})

    def _archived_of(self, archive: Archive, loads: Sequence[int]) -> Sequence[Numbers]:
        """Give the rows that some loads brought to each archived month."""
        return [self._files.of_loads(month, frozenset(loads)) for month in archive.months]

    def rows(
        self, series: Sequence[Series], changes: Changes | None, period: Period | None = None
    ) -> StoredColumns:
        """Give the newest row of each day; series by their place in `series`."""
        cells = self._cells(np.array([each.series_no for each in series]), changes, period)
        rows = newest_of_each(stored_columns(cells, () if changes is None else changes.undone))
        rank = {each.series_no: place for place, each in enumerate(series)}
        known = np.array(sorted(rank), dtype=np.int64)
        place = np.array([rank[number] for number in known.tolist()], dtype=np.int64)
        ranked = place[np.searchsorted(known, rows.sales.series)]
        order = np.argsort(ranked, kind="stable")
        sales = rows.sales.with_series(ranked).taken(order)
        load = None if rows.load is None else rows.load[order]
        return StoredColumns(sales, rows.is_withdrawn[order], load)

    def _cells(self, series: Numbers, changes: Changes | None, period: Period | None) -> Numbers:
        """Give the row versions of a view, ordered by series, day and load, wherever they are."""
        undone = frozenset() if changes is None else frozenset(changes.undone)
        view = replace(self.view, hidden=tuple(each for each in self.view.hidden if each not in undone))
        loads = None if changes is None else changes.loads
        first, last = period or ALL_DAYS

        def read(tx: DataTx, archive: Archive) -> tuple[Numbers, Numbers | None]:
            numbers = tuple(series.tolist())
            start = first if archive.before is None else max(first, archive.before)
            days = None if (start, last) == ALL_DAYS else (start, last)
            kept = SalesQuery(view, numbers, loads, days).cells(tx.connection)
            if archive.before is None or first >= archive.before:
                return kept, None
            # Days before are few in the database, and which of them are touched the files tell too.
            every = View(view.tenant_no, _EVERY_LOAD, ())
            days = first, min(last, archive.before - timedelta(days=1))
            return kept, SalesQuery(every, numbers, None, days).cells(tx.connection)

        archive, (kept, late) = self._settled(read)
        if late is None:
            return kept
        days = first, min(last, archive.before or date.max)
        old = self._archived(archive, np.sort(series), days, late)
        if loads is not None:
            old = _touched_days(old, loads)
        shown = (old[_LOAD] <= view.number) & ~np.isin(old[_LOAD], view.hidden)
        cells = np.concatenate([old[:, shown], kept], axis=1)
        return cells[:, np.lexsort((cells[_LOAD], cells[_DAY], cells[_SERIES]))]

    def _archived(self, archive: Archive, series: Numbers, period: Period, late: Numbers) -> Numbers:
        """Give the row versions of archived days, out of files and out of `late`, each once."""
        first, last = period
        months = [each for each in archive.months if each.last_day >= first and each.month <= last]
        cells = np.concatenate([late, *(self._files.cells(each, series) for each in months)], axis=1)
        bounds = ((day - EPOCH).days for day in period)
        days = cells[_DAY]
        here = (days >= next(bounds)) & (days <= next(bounds))
        return once_each(cells[:, here])


def _touched_days(cells: Numbers, loads: Sequence[int]) -> Numbers:
    """Give all rows of the days that one of the loads tells of."""
    keys = (cells[_SERIES] << 32) + cells[_DAY]
    return cells[:, np.isin(keys, keys[np.isin(cells[_LOAD], loads)])]
