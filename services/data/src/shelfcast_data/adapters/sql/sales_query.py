"""The rows of some series as numbers, in one query of the store.

On MySQL each series comes as one text: PyMySQL needs some microseconds for each row and cell that it
decodes, pyarrow's CSV reader some nanoseconds.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from pyarrow import csv

from shelfcast_data.adapters.sql.schema import SALES
from shelfcast_data.domain.sales_columns import UNKNOWN, SalesColumns, StoredColumns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from shelfcast_data.domain.data_version import View
    from shelfcast_data.domain.sales_columns import Numbers

Column: TypeAlias = Any  # a pa.ChunkedArray; its stubs refuse what the library takes
Period: TypeAlias = "tuple[date, date]"
Month: TypeAlias = tuple[int, int]

_CELLS: Final = ("day", "load", "quantity", "price", "promotion", "available", "returned", "withdrawn")

_LOAD, _PRICE = 2, 4
"""Places of load and price among series and cells."""


def months_of_loads(view: View, loads: Sequence[int], connection: Connection) -> set[Month]:
    """Give the months of the days that some loads tell of."""
    month = _MONTH_NUMBER["sqlite" if connection.dialect.name == "sqlite" else "mysql"]
    query = f"SELECT DISTINCT {month} FROM sales WHERE {_of_loads(view, loads)}"  # noqa: S608 - numbers
    return {divmod(int(row[0]), 100) for row in connection.exec_driver_sql(query)}


def series_of_loads(view: View, loads: Sequence[int], connection: Connection) -> set[int]:
    """Give the numbers of the series that some loads tell of."""
    query = f"SELECT DISTINCT series_no FROM sales WHERE {_of_loads(view, loads)}"  # noqa: S608 - numbers
    return {int(row[0]) for row in connection.exec_driver_sql(query)}


def _of_loads(view: View, loads: Sequence[int]) -> str:
    return f"tenant_no = {int(view.tenant_no)} AND load_no IN ({_listed(loads)})"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers)


class SalesQuery:
    """One query for the rows of some series; only numbers of ours are put into its text."""

    def __init__(
        self, view: View, series: tuple[int, ...], loads: Sequence[int] | None, period: Period | None
    ) -> None:
        """Ask for series by their numbers.

        loads: only days that one of them tells of; None means all.
        period: first and last day; None means all.
        """
        self._where = (
            f"s.tenant_no = {int(view.tenant_no)} AND s.series_no IN ({_listed(series)})"
            f" AND s.load_no <= {int(view.number)}"
        )
        if view.hidden:
            self._where += f" AND s.load_no NOT IN ({_listed(view.hidden)})"
        if period is not None:
            first, last = (day.isoformat() for day in period)
            self._where += f" AND s.sale_date BETWEEN '{first}' AND '{last}'"
        if loads is not None:
            self._where += (
                f" AND EXISTS (SELECT 1 FROM {SALES.name} c WHERE c.tenant_no = s.tenant_no"  # noqa: S608
                " AND c.series_no = s.series_no AND c.sale_date = s.sale_date"
                f" AND c.load_no IN ({_listed(loads)}))"
            )

    def cells(self, connection: Connection) -> Numbers:
        """Give all row versions, ordered by series, day and load.

        Shape: int64[9, n_rows]: series, day, load, quantity and price in millionths, flags; -1 is unknown.
        """
        if connection.dialect.name == "sqlite":
            query = (
                f"SELECT {_SQLITE_CELLS} FROM sales s WHERE {self._where} ORDER BY 1, s.sale_date, s.load_no"  # noqa: S608
            )
            cells = np.array(connection.exec_driver_sql(query).fetchall(), dtype=np.int64)
            return cells.reshape(-1, len(_CELLS) + 1).T
        selected, group = f"s.series_no, {_MYSQL_TEXT}", "GROUP BY s.series_no ORDER BY 1"
        query = f"SELECT {selected} FROM sales s WHERE {self._where} {group}"  # noqa: S608 - own text
        texts = connection.exec_driver_sql(query).fetchall()
        cells = _from_texts(texts)
        cells[_PRICE] = np.maximum(cells[_PRICE], UNKNOWN)  # -1 went through DECIMAL as -1,000,000 millionths
        return cells


_MONTH_NUMBER: Final = {
    "sqlite": "CAST(substr(sale_date, 1, 4) || substr(sale_date, 6, 2) AS INTEGER)",
    "mysql": "EXTRACT(YEAR_MONTH FROM sale_date)",
}

_SQLITE_CELLS: Final = """
s.series_no, CAST(julianday(s.sale_date) - 2440587.5 AS INTEGER), s.load_no, s.quantity,
COALESCE(s.unit_price, -1), COALESCE(s.is_promotion, -1), COALESCE(s.was_available, -1),
s.is_return, s.is_withdrawn
"""

_MYSQL_TEXT: Final = """
GROUP_CONCAT(CONCAT_WS(',', TO_DAYS(s.sale_date) - 719528, s.load_no, s.quantity, COALESCE(s.unit_price, -1),
    COALESCE(s.is_promotion, -1), COALESCE(s.was_available, -1), s.is_return, s.is_withdrawn)
    ORDER BY s.sale_date, s.load_no SEPARATOR '\\n'), COUNT(*)
"""


def _from_texts(rows: Sequence[Sequence[object]]) -> Numbers:
    """Read one text a series: lines of cells."""
    if not rows:
        return np.empty((len(_CELLS) + 1, 0), dtype=np.int64)
    texts = [str(row[1]) for row in rows]
    if any(text.count("\n") + 1 != row[2] for text, row in zip(texts, rows, strict=True)):
        raise RuntimeError("a series is longer than group_concat_max_len")
    series = np.repeat([int(str(row[0])) for row in rows], [text.count("\n") + 1 for text in texts])
    types = {name: pa.decimal128(18, 6) if name in {"quantity", "price"} else pa.int64() for name in _CELLS}
    data = "\n".join(texts).encode()
    table = csv.read_csv(
        io.BytesIO(data),
        csv.ReadOptions(use_threads=False, column_names=list(_CELLS), block_size=len(data) + 1),
        csv.ParseOptions(quote_char=False),
        csv.ConvertOptions(column_types=types),
    )
    cells = [_whole(table.column(name)) for name in _CELLS]
    return np.stack([series.astype(np.int64), *cells])


def _whole(column: Column) -> Numbers:
    if pa.types.is_decimal(column.type):
        # DECIMAL(18,6) in 16 bytes, little-endian: its millionths are the low eight.
        buffers = [
            np.frombuffer(chunk.buffers()[1], np.int64)[2 * chunk.offset :: 2][: len(chunk)]
            for chunk in column.chunks
        ]
        return np.concatenate(buffers)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def stored_columns(cells: Numbers, undone: Collection[int]) -> StoredColumns:
    """Give rows by column; those of undone loads are withdrawn and stand first among those of their day."""
    series, day, load, quantity, price, promotion, available, returned, withdrawn = _settled(cells, undone)
    return StoredColumns(
        SalesColumns(series, day, quantity, returned, price, promotion, available), withdrawn, load
    )


def _settled(cells: Numbers, undone: Collection[int]) -> Numbers:
    """Mark the rows of undone loads as withdrawn, and put them before what else is told of their day."""
    is_undone = np.isin(cells[_LOAD], list(undone))
    if not is_undone.any():
        return cells
    cells = cells.copy()
    cells[-1][is_undone] = 1
    return cells[:, np.lexsort((cells[_LOAD], ~is_undone, cells[1], cells[0]))]
