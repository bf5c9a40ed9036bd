"""All current rows of a view, read in batches of bounded size.

Rows are never changed and a view names the loads that it shows, so the batches fit together without one
long transaction.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from shelfcast_data.adapters.sql.view_rows import ANY, Ids, ViewRows
from shelfcast_data.domain.data_version import Changes
from shelfcast_data.domain.difference import Comparison
from shelfcast_data.domain.table_batch import TableBatch

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from shelfcast_data.adapters.archive.files import ArchiveFiles
    from shelfcast_data.adapters.sql.read_route import ReadRoute
    from shelfcast_data.adapters.sql.sales_query import Month, Period
    from shelfcast_data.adapters.sql.series import Series
    from shelfcast_data.domain.data_version import View
    from shelfcast_data.domain.sales_columns import StoredColumns

ROWS_AT_ONCE: Final = 100_000
READERS: Final = 2
"""Connections on which the batches of one table are read at a time."""
_FIRST_SERIES: Final = 32
_MOST_SERIES: Final = 4000


class SalesTable:
    """Reads the rows of views; blocking, for a thread of its own."""

    def __init__(self, route: ReadRoute, archive: ArchiveFiles) -> None:
        """Read where `route` says, and archived months from their files."""
        self._route = route
        self._archive = archive

    def batches(
        self,
        view: View,
        changes: Changes | None = None,
        period: Period | None = None,
        only: Ids = ANY,
    ) -> Generator[TableBatch]:
        """Give the rows of a view, ordered by shop, product and date; withdrawn days are marked.

        changes: only days that have changed; one whose only rows were undone is marked as withdrawn;
        None means all.
        period: first and last day; None means all. only: shop and product; None means all.
        """
        portions, rows = _Portions(), self._rows(view)
        waiting: deque[tuple[Sequence[Series], Future[StoredColumns]]] = deque()
        with ThreadPoolExecutor(READERS) as readers:
            for series in portions.of(rows.series(changes, only)):
                read = partial(copy_context().run, rows.rows, series, changes, period)
                waiting.append((series, readers.submit(read)))
                if len(waiting) == READERS:
                    yield portions.measured(*waiting.popleft())
            while waiting:
                yield portions.measured(*waiting.popleft())

    def compared(self, base: View, view: View, changes: Changes) -> Generator[Comparison]:
        """Give the rows of both views on the days that have changed between them, series after series."""
        portions, touched = _Portions(), Changes(changes.loads, ())
        rows = self._rows(view)
        for series in portions.of(rows.series(changes)):
            before, after = (each.rows(series, touched) for each in (rows.at(base), rows))
            portions.fit(len(series), len(before.sales) + len(after.sales))
            yield Comparison(_ids(series), before, after)

    def months(self, view: View, loads: Sequence[int]) -> Sequence[Month]:
        """Give the months of the days that some loads have touched, in their order."""
        return self._rows(view).months(loads)

    def series_count(self, view: View) -> int:
        """Give the number of series that a view is read by, with or without rows in it."""
        return self._rows(view).series_count()

    def _rows(self, view: View) -> ViewRows:
        return ViewRows(view, self._route.to(view), self._archive)


@dataclass(slots=True)
class _Portions:
    """Cuts series into portions of about `ROWS_AT_ONCE` rows, each sized by what the last one held."""

    size: int = _FIRST_SERIES

    def of(self, series: Iterator[Series]) -> Iterator[Sequence[Series]]:
        while portion := list(islice(series, self.size)):
            yield portion

    def measured(self, series: Sequence[Series], read: Future[StoredColumns]) -> TableBatch:
        rows = read.result()
        self.fit(len(series), len(rows.sales))
        return TableBatch(_ids(series), rows)

    def fit(self, series_count: int, row_count: int) -> None:
        fitting = series_count * ROWS_AT_ONCE // max(row_count, 1)
        self.size = max(1, min(_MOST_SERIES, fitting, self.size * 8))


def _ids(series: Sequence[Series]) -> Sequence[tuple[str, str]]:
    return [(each.shop_id, each.product_id) for each in series]
