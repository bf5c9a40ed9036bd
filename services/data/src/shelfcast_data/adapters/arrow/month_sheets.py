"""Rows in the order of series sorted into months, through a scratch file instead of memory."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

import numpy as np

from shelfcast_data.domain.sales_columns import UNKNOWN, SalesColumns, StoredColumns
from shelfcast_data.domain.table_batch import TableBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shelfcast_data.domain.sales_columns import Numbers

_ROW: Final = np.dtype(
    [
        ("series", np.int32),
        ("day", np.int32),
        ("quantity", np.int64),
        ("is_return", np.int8),
        ("unit_price", np.int64),
        ("is_promotion", np.int8),
        ("was_available", np.int8),
    ]
)
_COLUMNS: Final = _ROW.names or ()


class MonthSheets:
    """Takes batches in the order of shop and product, gives one batch a month in the same order."""

    def __init__(self, scratch: IO[bytes]) -> None:
        """Write rows to `scratch`."""
        self._scratch = scratch
        self._pairs: list[tuple[str, str]] = []
        self._pieces: dict[int, list[tuple[int, int]]] = {}

    def add(self, batch: TableBatch) -> None:
        """Take the rows of a batch, without withdrawn days."""
        rows = _rows(batch.rows, len(self._pairs))
        self._pairs += batch.pairs
        month = rows["day"].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        order = np.argsort(month, kind="stable")
        months, starts = np.unique(month[order], return_index=True)
        ends = np.append(starts[1:], len(rows))[: len(starts)]
        for number, start, end in zip(months.tolist(), starts, ends, strict=True):
            self._pieces.setdefault(number, []).append((self._scratch.tell(), int(end - start)))
            self._scratch.write(rows[order[start:end]].tobytes())

    def months(self, scratch: IO[bytes]) -> Iterator[tuple[str, TableBatch]]:
        """Give each month, YYYY-MM, and its rows, ordered by shop, product and date."""
        for number in sorted(self._pieces):
            rows = np.concatenate([_piece(scratch, *piece) for piece in self._pieces[number]])
            yield str(np.datetime64(number, "M")), self._batch(rows)

    def _batch(self, rows: NDArray[np.void]) -> TableBatch:
        present, series = np.unique(rows["series"], return_inverse=True)
        columns = {name: rows[name].astype(np.int64) for name in _COLUMNS} | {"series": series}
        pairs = [self._pairs[place] for place in present.tolist()]
        return TableBatch(pairs, StoredColumns(SalesColumns(**columns), np.zeros(len(rows), np.int64)))


def _piece(scratch: IO[bytes], start: int, count: int) -> NDArray[np.void]:
    scratch.seek(start)
    return np.frombuffer(scratch.read(count * _ROW.itemsize), _ROW)


def _rows(stored: StoredColumns, first_series: int) -> NDArray[np.void]:
    sales = stored.sales.taken(np.flatnonzero(stored.is_withdrawn == 0))
    rows = np.empty(len(sales), _ROW)
    for name in _COLUMNS:
        column: Numbers | None = getattr(sales, name)
        rows[name] = UNKNOWN if column is None else column
    rows["series"] += first_series
    return rows
