"""Whole columns of sales into the store and back, by the fastest way that each store has.

MySQL and MariaDB: `LOAD DATA LOCAL INFILE` of a file that the worker has made, straight into `sales`; rows
whose key is taken are left out by the server (LOCAL implies IGNORE) and noticed by their count. SQLite:
`executemany`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import polars as pl

from shelfcast_data.adapters.sql.schema import SALES, STAGED_SALES
from shelfcast_data.domain.decimal_text import UNIT, decimal_of
from shelfcast_data.domain.sales_columns import OPTIONAL, UNKNOWN, SalesColumns, StoredColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Table

    from shelfcast_data.domain.sales_columns import Numbers

_FLAGS: Final = ("is_promotion", "was_available")
_STORED: Final = (
    "series",
    "day",
    "load",
    "quantity",
    "price",
    "promotion",
    "available",
    "returned",
    "withdrawn",
)


class Bulk(Protocol):
    """Moves whole columns within one transaction."""

    def insert(self, tenant_no: int, load_no: int, sales: SalesColumns) -> int:
        """Store rows, leaving out those whose key is taken; give how many were stored."""

    def stage(self, tenant_no: int, load_no: int, sales: SalesColumns, rows: Numbers) -> None:
        """Store rows that are to be added up, under their numbers in the file."""

    def stored(self, tenant_no: int, sales: SalesColumns) -> tuple[StoredColumns, Numbers]:
        """Give all stored versions of the rows' days, ordered by series, day and load, and their loads."""


def bulk_of(connection: Connection) -> Bulk:
    """Give the bulk mover of the connection's store."""
    return SqliteBulk(connection) if connection.dialect.name == "sqlite" else MysqlBulk(connection)


class MysqlBulk:
    """Moves columns by LOAD DATA LOCAL INFILE."""

    def __init__(self, connection: Connection) -> None:
        """Work within the transaction of `connection`, whose engine allows local files."""
        self._connection = connection

    def insert(self, tenant_no: int, load_no: int, sales: SalesColumns) -> int:
        """Store rows, leaving out those whose key is taken; give how many were stored."""
        return self._insert(SALES, (tenant_no, load_no), _frame(sales))

    def stage(self, tenant_no: int, load_no: int, sales: SalesColumns, rows: Numbers) -> None:
        """Store rows that are to be added up, under their numbers in the file."""
        frame = _frame(sales).with_columns(pl.Series("row_no", rows))
        self._insert(STAGED_SALES, (tenant_no, load_no), frame)

    def _insert(self, table: Table, load: tuple[int, int], frame: pl.DataFrame) -> int:
        target = f"{table.name} ({', '.join(frame.columns)}) SET tenant_no = %s, load_no = %s"
        return self._load(frame, target, load)

    def _load(self, frame: pl.DataFrame, target: str, values: tuple[int, ...]) -> int:
        with tempfile.NamedTemporaryFile(suffix=".tsv") as file:
            frame.write_csv(
                Path(file.name), separator="\t", include_header=False, null_value="\\N", quote_style="never"
            )
            table, columns = target.split(" ", 1)
            statement = f"LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET ascii {columns}"
            return self._connection.exec_driver_sql(statement, (file.name, *values)).rowcount

    def stored(self, tenant_no: int, sales: SalesColumns) -> tuple[StoredColumns, Numbers]:
        """Give all stored versions of the rows' days, ordered by series, day and load, and their loads."""
        run = self._connection.exec_driver_sql
        run("DROP TEMPORARY TABLE IF EXISTS staged_days")
        run(
            "CREATE TEMPORARY TABLE staged_days (series_no INT UNSIGNED NOT NULL, sale_date DATE NOT NULL,"
            " PRIMARY KEY (series_no, sale_date)) ENGINE=InnoDB"
        )
        self._load(_frame(sales).select("series_no", "sale_date"), "staged_days (series_no, sale_date)", ())
        rows = run(_STORED_MYSQL, (tenant_no,)).fetchall()
        run("DROP TEMPORARY TABLE staged_days")
        return _stored(rows)


class SqliteBulk:
    """Moves columns by executemany."""

    def __init__(self, connection: Connection) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection

    def insert(self, tenant_no: int, load_no: int, sales: SalesColumns) -> int:
        """Store rows, leaving out those whose key is taken; give how many were stored."""
        return self._insert(SALES, (tenant_no, load_no), self._values(sales))

    def stage(self, tenant_no: int, load_no: int, sales: SalesColumns, rows: Numbers) -> None:
        """Store rows that are to be added up, under their numbers in the file."""
        self._insert(STAGED_SALES, (tenant_no, load_no), self._values(sales) | {"row_no": rows.tolist()})

    @staticmethod
    def _values(sales: SalesColumns) -> dict[str, list[object]]:
        optional = {name: _nullable(getattr(sales, name)) for name in OPTIONAL}
        optional["is_return"] = sales.is_return.tolist() if sales.is_return.any() else None
        return {
            "series_no": sales.series.tolist(),
            "sale_date": _dates(sales.day),
            "quantity": sales.quantity.tolist(),
        } | {name: column for name, column in optional.items() if column is not None}

    def _insert(self, table: Table, load: tuple[int, int], values: dict[str, list[object]]) -> int:
        marks = ", ".join("?" for _ in values)
        statement = (
            f"INSERT OR IGNORE INTO {table.name} (tenant_no, load_no, {', '.join(values)})"  # noqa: S608 - own names
            f" VALUES ({int(load[0])}, {int(load[1])}, {marks})"
        )
        return self._many(statement, list(zip(*values.values(), strict=True)))

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
        cursor = self._connection.connection.cursor()
        try:
            cursor.executemany(statement, rows)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def stored(self, tenant_no: int, sales: SalesColumns) -> tuple[StoredColumns, Numbers]:
        """Give all stored versions of the rows' days, ordered by series, day and load, and their loads."""
        run = self._connection.exec_driver_sql
        run(
            "CREATE TEMP TABLE IF NOT EXISTS staged_days"
            " (series_no INTEGER, sale_date TEXT, PRIMARY KEY (series_no, sale_date)) WITHOUT ROWID"
        )
        run("DELETE FROM staged_days")
        days = list(zip(sales.series.tolist(), _dates(sales.day), strict=True))
        self._many("INSERT OR IGNORE INTO staged_days VALUES (?, ?)", days)
        return _stored(run(_STORED_SQLITE, (tenant_no,)).fetchall())


_STORED_MYSQL: Final = """
SELECT s.series_no, TO_DAYS(s.sale_date) - 719528, s.load_no, CAST(s.quantity * 1000000 AS SIGNED),
    CAST(COALESCE(s.unit_price * 1000000, -1) AS SIGNED), COALESCE(s.is_promotion, -1),
    COALESCE(s.was_available, -1), s.is_return, s.is_withdrawn
FROM staged_days t
STRAIGHT_JOIN sales s ON s.tenant_no = %s AND s.series_no = t.series_no AND s.sale_date = t.sale_date
ORDER BY t.series_no, t.sale_date, s.load_no
"""

_STORED_SQLITE: Final = """
SELECT s.series_no, CAST(julianday(s.sale_date) - 2440587.5 AS INTEGER), s.load_no, s.quantity,
    COALESCE(s.unit_price, -1), COALESCE(s.is_promotion, -1),
    COALESCE(s.was_available, -1), s.is_return, s.is_withdrawn
FROM staged_days t
CROSS JOIN sales s ON s.tenant_no = ? AND s.series_no = t.series_no AND s.sale_date = t.sale_date
ORDER BY t.series_no, t.sale_date, s.load_no
"""


def _stored(rows: Sequence[Sequence[object]]) -> tuple[StoredColumns, Numbers]:
    table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, len(_STORED))
    of = {name: table[:, place] for place, name in enumerate(_STORED)}
    sales = SalesColumns(
        of["series"], of["day"], of["quantity"], of["returned"], of["price"], of["promotion"], of["available"]
    )
    return StoredColumns(sales, of["withdrawn"]), of["load"]


def _frame(sales: SalesColumns) -> pl.DataFrame:
    """Give the columns as they are written into the file for LOAD DATA; constant ones are left out."""
    columns = [
        pl.Series("series_no", sales.series),
        pl.Series("sale_date", sales.day.astype(np.int32)).cast(pl.Date),
        _decimals("quantity", sales.quantity),
    ]
    if sales.is_return.any():
        columns.append(pl.Series("is_return", sales.is_return))
    if sales.unit_price is not None and (sales.unit_price != UNKNOWN).any():
        columns.append(_nulled(_decimals("unit_price", sales.unit_price), sales.unit_price))
    for name in _FLAGS:
        flags: NDArray[np.int64] | None = getattr(sales, name)
        if flags is not None and (flags != UNKNOWN).any():
            columns.append(_nulled(pl.Series(name, flags), flags))
    return pl.DataFrame(columns)


def _decimals(name: str, millionths: Numbers) -> pl.Series:
    """Give millionths as the texts of decimals; whole numbers, the usual case, without a detour."""
    whole, rest = np.divmod(millionths, UNIT)
    if not rest.any():
        return pl.Series(name, whole)
    distinct, place = np.unique(millionths, return_inverse=True)
    texts = pl.Series(name, [str(decimal_of(value)) for value in distinct.tolist()])
    return texts.gather(place.astype(np.uint32))


def _nulled(column: pl.Series, values: Numbers) -> pl.Series:
    known = pl.Series(values != UNKNOWN)
    return pl.select(pl.when(known).then(column).alias(column.name)).to_series()


def _nullable(values: Numbers | None) -> list[object] | None:
    if values is None or not (values != UNKNOWN).any():
        return None
    return [None if value == UNKNOWN else value for value in values.tolist()]


def _dates(days: Numbers) -> list[object]:
    distinct, place = np.unique(days, return_inverse=True)
    texts = np.datetime_as_string(distinct.astype("datetime64[D]")).tolist()
    return [*np.array(texts, dtype=object)[place]]
