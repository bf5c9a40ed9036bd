"""Tables of other databases, read row by row and given as CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import MetaData, String, Table, func, select, type_coerce
from sqlalchemy.exc import NoSuchTableError

from shelfcast_data.adapters.source.connection import source_connection, source_errors
from shelfcast_data.domain.column_mapping import by_field
from shelfcast_data.domain.file_head import Expectation
from shelfcast_data.domain.high_water_mark import Mark, is_mark, mark_text
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import SourceUnreadable

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection, Row, Select

    from shelfcast_data.domain.import_source import ImportSourceFields
    from shelfcast_data.ports.source import TableQuery

ROWS_AT_ONCE: Final = 2000
_DAY_LETTERS: Final = 10


class DatabaseTables:
    """Reads the tables of the connections that the operator has set."""

    def __init__(self, urls: Mapping[tuple[str, str], str]) -> None:
        """Read from the SQLAlchemy URLs by tenant and name of the connection."""
        self._urls = urls

    def connections(self, tenant: str) -> Collection[str]:
        """Give the names of the connections of a tenant."""
        return [name for owner, name in self._urls if owner == tenant]

    @contextmanager
    def open(self, wanted: TableQuery) -> Iterator[TableText]:
        """Begin to read.

        Raises: SourceUnreadable, ColumnMissing, MappingInvalid, PipelineUnfit, UpstreamUnavailable.
        """
        name = wanted.fields.connection
        url = self._urls.get((wanted.tenant, name))
        if url is None:
            raise SourceUnreadable(connection=name, problem="the operator has set no such connection")
        with source_connection(name, url) as connection:
            with source_errors(name):
                table = _begun(connection, wanted)
            yield table


@dataclass(slots=True)
class TableText:
    """Rows of a table as CSV text."""

    name: str
    """Name of the connection."""
    connection: Connection
    query: Select[Any] | None
    """None where nothing is new."""
    mapping: Mapping[str, str]
    """Column for each field that the table has, named as the plan leaves it."""
    header: Sequence[str]
    """Columns that are read."""
    mark: str | None
    """Largest mark when the reading began."""
    row_count: int = field(default=0, init=False)
    """Rows given so far."""

    def pieces(self) -> Iterator[bytes]:
        """Give header and rows. Raises: SourceUnreadable, UpstreamUnavailable."""
        head: Sequence[Sequence[object]] = [self.header]
        for rows in self._rows():
            self.row_count += len(rows)
            yield _csv(chain(head, rows))
            head = []

    def _rows(self) -> Iterator[Sequence[Row[Any]]]:
        if self.query is None:
            return
        options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
        with source_errors(self.name):
            found = self.connection.execution_options(**options).execute(self.query).partitions()
            rows = next(found, None)
        while rows is not None:
            yield rows
            with source_errors(self.name):
                rows = next(found, None)


def _begun(connection: Connection, wanted: TableQuery) -> TableText:
    fields = wanted.fields
    table = _reflected(connection, fields)
    expected = Expectation(by_field(fields.mapping), fields.shop_id, wanted.plan)
    names, places = expected.find(tuple(table.columns.keys()))
    mapping = {each: names[place] for each, place in places.items()}
    read = table.columns.keys() if wanted.plan is not None else dict.fromkeys(mapping.values())
    columns = [table.columns[name] for name in read]
    header = [column.name for column in columns]
    if fields.mark_column is None:
        return TableText(fields.connection, connection, select(*columns), mapping, header, None)
    mark_column = _column(table, fields, fields.mark_column)
    newest = _newest(connection, mark_column, wanted)
    if newest is None:
        return TableText(fields.connection, connection, None, mapping, header, None)
    query = select(*columns).where(mark_column.is_not(None))
    if wanted.start is not None:
        is_new = _at_least(connection, mark_column, wanted.start)
        if fields.same_day is SameDay.SUM:
            is_new = _whole_days(connection, table.columns[mapping["date"]], is_new)
        query = query.where(is_new)
    return TableText(
        fields.connection, connection, query.order_by(mark_column), mapping, header, mark_text(newest)
    )


def _reflected(connection: Connection, fields: ImportSourceFields) -> Table:
    try:
        return Table(
            fields.table_name,
            MetaData(),
            schema=fields.table_schema,
            autoload_with=connection,
            resolve_fks=False,
        )
    except NoSuchTableError as error:
        problem = f"it has no table {fields.table_name}"
        raise SourceUnreadable(connection=fields.connection, problem=problem) from error


def _column(table: Table, fields: ImportSourceFields, name: str) -> Column[Any]:
    if name not in table.columns:
        problem = f"the table {fields.table_name} has no column {name}"
        raise SourceUnreadable(connection=fields.connection, problem=problem)
    return table.columns[name]


def _newest(connection: Connection, column: Column[Any], wanted: TableQuery) -> Mark | None:
    """Give the largest mark from the start on; it is read before the rows, so that none is passed over."""
    query = select(func.max(column))
    if wanted.start is not None:
        query = query.where(_at_least(connection, column, wanted.start))
    newest: object = connection.execute(query).scalar_one()
    if newest is None or is_mark(newest):
        return newest
    problem = f"the column {column.name} cannot be a mark, it holds {type(newest).__name__}"
    raise SourceUnreadable(connection=wanted.fields.connection, problem=problem)


def _whole_days(
    connection: Connection, day_column: Column[Any], is_new: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Give the condition of all days from the earliest on that has a new row: sums need whole days."""
    first = connection.execute(select(func.min(day_column)).where(is_new)).scalar_one()
    return _at_least(connection, day_column, _day_of(first))


def _at_least(connection: Connection, column: Column[Any], value: object) -> ColumnElement[bool]:
    """Give the condition that a column holds a value or a larger one.

    SQLite keeps times as text of whatever form and compares letters: a shorter text comes first.
    """
    if connection.dialect.name == "sqlite" and isinstance(value, datetime):
        text = value.isoformat(" ", "minutes").removesuffix(" 00:00")
        return type_coerce(column, String) >= text
    return column >= value


def _day_of(value: object) -> object:
    """Give the beginning of a value's day, in the form of the value."""
    if isinstance(value, str):
        return value[:_DAY_LETTERS]
    if isinstance(value, datetime):
        return value.replace(hour=0, minute=0, second=0, microsecond=0)
    return value


def _csv(rows: Iterator[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """Give a value as it stands in a file."""
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case bytes():
            return value.decode(errors="replace")
        case _:
            return str(value)
