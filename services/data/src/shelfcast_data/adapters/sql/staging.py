"""Rows of a load that wait to be added up by day, read in the order of series and day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import and_, delete, or_

from shelfcast_data.adapters.sql.schema import STAGED_SALES
from shelfcast_data.domain.sales_columns import SalesColumns, StagedRows
from shelfcast_data.domain.same_day import first_of_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection

_C = STAGED_SALES.c
_CELLS: Final = 8


class StagedSales:
    """The staged rows of one load within one transaction."""

    def __init__(self, connection: Connection, tenant_no: int, load_no: int) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._load = (tenant_no, load_no)

    def first_days(self, row_count: int) -> StagedRows:
        """Give the first whole days, of about `row_count` rows; none when nothing waits any more.

        A day with more rows than that is given whole: memory follows the day with the most rows.
        """
        while True:
            rows = self._first(row_count)
            if len(rows.sales) < row_count:
                return rows
            first = first_of_days(rows.sales)
            if len(first) > 1:
                end = int(first[-1])
                return StagedRows(rows.sales.taken(np.arange(end)), rows.is_new[:end])
            row_count *= 2

    def _first(self, row_count: int) -> StagedRows:
        run, is_sqlite = self._connection.exec_driver_sql, self._connection.dialect.name == "sqlite"
        query = _FIRST_SQLITE if is_sqlite else _FIRST_MYSQL
        return _staged(run(query, (*self._load, row_count)).fetchall())

    def remove_to(self, series_no: int, day: date) -> None:
        """Remove the rows up to a series and day, that one included."""
        reached = and_(_C.series_no == series_no, _C.sale_date <= day)
        self._connection.execute(
            delete(STAGED_SALES).where(*self._mine(), or_(_C.series_no < series_no, reached))
        )

    def _mine(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return _C.tenant_no == self._load[0], _C.load_no == self._load[1]


_FIRST_MYSQL: Final = """
SELECT s.series_no, TO_DAYS(s.sale_date) - 719528, CAST(s.quantity * 1000000 AS SIGNED), s.is_return,
    CAST(COALESCE(s.unit_price * 1000000, -1) AS SIGNED), COALESCE(s.is_promotion, -1),
    COALESCE(s.was_available, -1), r.first_load_no = s.load_no
FROM staged_sales s
STRAIGHT_JOIN series r ON r.series_no = s.series_no
WHERE s.tenant_no = %s AND s.load_no = %s
ORDER BY s.series_no, s.sale_date, s.row_no LIMIT %s
"""

_FIRST_SQLITE: Final = """
SELECT s.series_no, CAST(julianday(s.sale_date) - 2440587.5 AS INTEGER), s.quantity, s.is_return,
    COALESCE(s.unit_price, -1), COALESCE(s.is_promotion, -1),
    COALESCE(s.was_available, -1), r.first_load_no = s.load_no
FROM staged_sales s
CROSS JOIN series r ON r.series_no = s.series_no
WHERE s.tenant_no = ? AND s.load_no = ?
ORDER BY s.series_no, s.sale_date, s.row_no LIMIT ?
"""


def _staged(rows: Sequence[Sequence[object]]) -> StagedRows:
    cells = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, _CELLS).T
    series, day, quantity, returned, price, promotion, available, is_new = cells
    sales = SalesColumns(series, day, quantity, returned, price, promotion, available)
    return StagedRows(sales, is_new == 1)
