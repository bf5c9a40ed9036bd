"""Move months of sales into files, and bring them back; killed at any point, nothing is lost or doubled.

The file is written, read back and on disk before the month is marked; marked before its rows are deleted; and
whoever reads a marked month adds the rows of file and database up, each once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.sql.archives import ArchiveRows, published_loads
from shelfcast_data.adapters.sql.sales_query import SalesQuery
from shelfcast_data.adapters.sql.schema import SALES
from shelfcast_data.adapters.sql.series import SeriesRows
from shelfcast_data.adapters.sql.statement import insert_new
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.archive import EPOCH, Archive, ArchivedMonth, ArchiveState
from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.sales_columns import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shelfcast_servicekit.transact import Transactor

    from shelfcast_data.adapters.archive.files import ArchiveFiles, MonthSheets
    from shelfcast_data.adapters.sql.series import Series
    from shelfcast_data.adapters.sql.transaction import DataTx
    from shelfcast_data.domain.sales_columns import Numbers

GRACE_SECONDS: Final = 30.0
"""Time between the mark and the first deletion; longer than any read that has not seen the mark may last."""
SERIES_AT_ONCE: Final = 64
ROWS_AT_ONCE: Final = 5000
"""Rows that are deleted or brought back in one transaction, and a series more."""


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What was moved."""

    month_count: int
    """Months."""
    row_count: int
    """Row versions in their files."""


class SalesArchiver:
    """Moves the months of one tenant; several at a time do each other no harm."""

    def __init__(
        self,
        store: Transactor[DataTx],
        files: ArchiveFiles,
        tenant: str,
        grace_seconds: float = GRACE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Work on the rows of `tenant`."""
        self._store = store
        self._files = files
        self._tenant = tenant
        self._grace_seconds = grace_seconds
        self._sleep = sleep
        number = store.read_sync(lambda tx: TenantRows(tx.connection).number(tenant))
        if number is None:
            raise OperationRefused(f"There is no tenant {tenant}.")
        self._tenant_no = number

    def archived(self) -> Archive:
        """Give what is archived."""
        return self._store.read_sync(lambda tx: self._rows(tx).get())

    def _rows(self, tx: DataTx) -> ArchiveRows:
        return ArchiveRows(tx.connection, self._tenant_no)

    def archive(self, before: date) -> ArchiveReport:
        """Move all published rows of days before the first of a month into files.

        Raises: OperationRefused, StorageFull, ArchiveDamaged.
        """
        self.finish()
        known = self.archived()
        if any(each.state is ArchiveState.RESTORING for each in known.months):
            raise OperationRefused("Bringing months back was broken off; run `unarchive` again first.")
        before = max(before, known.before or before)
        with self._files.sheets(self._tenant, known) as sheets:
            version = self._read(before, sheets)
            months = sheets.finished(version)
            if not months:
                return ArchiveReport(0, 0)
            self._store.transact_sync(lambda tx: self._marked(tx, known, before, months))
        self.finish()
        return ArchiveReport(len(months), sum(each.row_count for each in months))

    def _read(self, before: date, sheets: MonthSheets) -> int:
        """Sort the rows into sheets; give the version by which they were published."""

        def begin(tx: DataTx) -> tuple[int, Sequence[int]]:
            number = tx.versions(self._tenant).current().number
            return number, published_loads(tx.connection, self._tenant_no, number)

        number, loads = self._store.read_sync(begin)
        view = View(self._tenant_no, number, ())
        published = np.array(sorted(loads), dtype=np.int64)
        for series in self._series():
            days = date.min, before - timedelta(days=1)
            query = SalesQuery(view, tuple(each.series_no for each in series), None, days)
            cells = self._store.read_sync(lambda tx, query=query: query.cells(tx.connection))  # type: ignore[misc]
            names = {each.series_no: (each.shop_id, each.product_id) for each in series}
            sheets.add(cells[:, np.isin(cells[_LOAD], published)], names)
        return number

    def _series(self) -> Iterator[Sequence[Series]]:
        start: tuple[str, str] | None = None
        while True:
            page = self._store.read_sync(lambda tx, start=start: self._page(tx, start))  # type: ignore[misc]
            yield page[:SERIES_AT_ONCE]
            if len(page) <= SERIES_AT_ONCE:
                return
            start = (page[-1].shop_id, page[-1].product_id)

    def _page(self, tx: DataTx, start: tuple[str, str] | None) -> Sequence[Series]:
        return SeriesRows(tx.connection, self._tenant_no).page(None, None, SERIES_AT_ONCE + 1, start)

    def _marked(self, tx: DataTx, known: Archive, before: date, months: Sequence[ArchivedMonth]) -> None:
        tx.hold(self._tenant)
        rows = self._rows(tx)
        if not rows.get().same_files(known):
            raise OperationRefused("Another archiving was faster; its months stand, run this one again.")
        rows.put(months)
        rows.move_to(before)
        tx.touched(self._tenant, f"archive:{before.isoformat()}")

    def finish(self) -> None:
        """Delete what is left in the database of months that are in files."""
        archive = self.archived()
        open_months = [each for each in archive.months if each.state is ArchiveState.WRITTEN]
        if open_months:
            self._sleep(self._grace_seconds)
        for month in open_months:
            self._delete(month)
        if archive.months:
            self._files.list_months(self._tenant, self.archived())

    def _delete(self, month: ArchivedMonth) -> None:
        for _, series in _portions(self._files.cells(month)):

            def work(tx: DataTx, series: Sequence[int] = series) -> None:
                rows = self._rows(tx)
                _check(rows.held(month))
                rows.delete_rows(month, series)

            self._store.transact_sync(work)

        def end(tx: DataTx) -> None:
            rows = self._rows(tx)
            _check(rows.held(month))
            rows.mark(month.month, ArchiveState.ARCHIVED)

        self._store.transact_sync(end)

    def bring_back(self, first: date) -> ArchiveReport:
        """Put the rows of archived months from one on back into the database.

        Raises: OperationRefused, ArchiveDamaged.
        """
        months = self._store.transact_sync(lambda tx: self._begun(tx, first))
        for month in months:
            for cells, series in _portions(self._files.cells(month)):
                self._store.transact_sync(
                    lambda tx, month=month, cells=cells, series=series: self._put_back(  # type: ignore[misc]
                        tx, month, cells, series
                    )
                )
        if months:
            self._store.transact_sync(lambda tx: self._ended(tx, first, months))
            self._files.list_months(self._tenant, self.archived())
        return ArchiveReport(len(months), sum(each.row_count for each in months))

    def _begun(self, tx: DataTx, first: date) -> Sequence[ArchivedMonth]:
        rows = self._rows(tx)
        months = [each for each in rows.get().months if each.month >= first]
        for month in months:
            rows.mark(month.month, ArchiveState.RESTORING)
        return [replace(each, state=ArchiveState.RESTORING) for each in months]

    def _put_back(self, tx: DataTx, month: ArchivedMonth, cells: Numbers, series: Sequence[int]) -> None:
        rows = self._rows(tx)
        _check(rows.held(month))
        tx.connection.execute(insert_new(SALES), list(_values(self._tenant_no, cells)))
        if rows.count_rows(month, series) != cells.shape[1]:
            raise OperationRefused(
                f"The database has other rows of {month.month.isoformat()[:7]} than {month.store_path}."
                " Nothing was deleted."
            )

    def _ended(self, tx: DataTx, first: date, months: Sequence[ArchivedMonth]) -> None:
        tx.hold(self._tenant)
        rows = self._rows(tx)
        for month in months:
            _check(rows.held(month))
        rows.forget([each.month for each in months])
        rows.move_to(first if rows.get().months else None)
        tx.touched(self._tenant, f"unarchive:{first.isoformat()}")


_LOAD: Final = 2


def _check(is_held: bool) -> None:
    if not is_held:
        raise OperationRefused("Somebody else archives these months or brings them back now.")


def _portions(cells: Numbers) -> Iterator[tuple[Numbers, Sequence[int]]]:
    """Cut rows into portions of whole series, with their numbers."""
    cells = cells[:, np.argsort(cells[0], kind="stable")]
    series, starts = np.unique(cells[0], return_index=True)
    ends = np.append(starts[1:], cells.shape[1])
    place = 0
    while place < len(series):
        stop = max(place + 1, int(np.searchsorted(ends, starts[place] + ROWS_AT_ONCE, "right")))
        yield cells[:, starts[place] : ends[stop - 1]], series[place:stop].tolist()
        place = stop


def _values(tenant_no: int, cells: Numbers) -> Iterator[dict[str, object]]:
    for series, day, load, quantity, price, promotion, available, returned, withdrawn in cells.T.tolist():
        yield {
            "tenant_no": tenant_no,
            "series_no": series,
            "sale_date": EPOCH + timedelta(days=day),
            "load_no": load,
            "quantity": quantity,
            "unit_price": None if price == UNKNOWN else price,
            "is_promotion": None if promotion == UNKNOWN else bool(promotion),
            "was_available": None if available == UNKNOWN else bool(available),
            "is_return": bool(returned),
            "is_withdrawn": bool(withdrawn),
        }
