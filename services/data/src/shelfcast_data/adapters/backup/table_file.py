"""A table as a Parquet file: decimals, instants and absent values exact, and the same out of either store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import Boolean, Date, Float, Integer, String, TypeDecorator, column, insert, select, table

from shelfcast_data.adapters.sql.column_type import Millionths
from shelfcast_data.domain.decimal_text import decimal_of, millionths_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from sqlalchemy import ColumnClause, Connection, Row, Table, TableClause
    from sqlalchemy.types import TypeEngine

ROWS_AT_ONCE: Final = 10_000
"""Rows that are held in memory."""
_TYPES: Final[tuple[tuple[type, pa.DataType], ...]] = (
    (Millionths, pa.decimal128(18, 6)),
    (UtcDateTime, pa.timestamp("us", tz="UTC")),
    (Boolean, pa.bool_()),
    (Date, pa.date32()),
    (Float, pa.float64()),
    (Integer, pa.int64()),
    (String, pa.utf8()),
)


def write_table(connection: Connection, named: Table, path: Path) -> int:
    """Write all rows of a table, ordered by its key; give how many they are."""
    plain = plain_table(named)
    columns = list(plain.columns)
    schema = pa.schema([pa.field(each.name, _arrow_type(each)) for each in columns])
    query = select(plain).order_by(*(plain.columns[key.name] for key in named.primary_key))
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    row_count = 0
    with (
        pq.ParquetWriter(path, schema, compression="zstd") as writer,
        connection.execute(query, execution_options=options) as result,
    ):
        for rows in result.partitions():
            writer.write_batch(_batch(rows, columns, schema))
            row_count += len(rows)
    return row_count


def read_table(connection: Connection, named: Table, path: Path) -> None:
    """Insert all rows of a file into a table."""
    plain = plain_table(named)
    statement = insert(plain)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
            connection.execute(statement, list(_rows(batch, plain)))


def plain_table(named: Table) -> TableClause:
    """Give a table as it is stored, with words, lists and objects as the texts that stand for them."""
    return table(named.name, *(column(each.name, _stored(each.type)) for each in named.columns))


def _stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, TypeDecorator) and not isinstance(kind, Millionths | UtcDateTime):
        return _stored(kind.impl_instance)
    return kind


def _arrow_type(column: ColumnClause[Any]) -> pa.DataType:
    for sql_type, arrow_type in _TYPES:
        if isinstance(column.type, sql_type):
            return arrow_type
    raise TypeError(f"a backup cannot keep {column}")


def _batch(
    rows: Sequence[Row[Any]], columns: Sequence[ColumnClause[Any]], schema: pa.Schema
) -> pa.RecordBatch:
    cells = zip(*rows, strict=True)
    arrays = [
        pa.array(_decimals(values) if isinstance(column.type, Millionths) else values, field.type)
        for column, values, field in zip(columns, cells, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _rows(batch: pa.RecordBatch, table: TableClause) -> Iterator[Mapping[str, Any]]:
    exact = [name for name in batch.schema.names if isinstance(table.columns[name].type, Millionths)]
    columns = batch.to_pydict()
    columns.update({name: _millionths(columns[name]) for name in exact})
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def _decimals(values: Sequence[int | None]) -> list[Decimal | None]:
    return [None if value is None else decimal_of(value) for value in values]


def _millionths(values: Sequence[Decimal | None]) -> list[int | None]:
    return [None if value is None else millionths_of(value) for value in values]
