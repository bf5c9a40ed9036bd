"""Migrations of filled tables, down a revision at a time and up again, on both stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from shelfcast_data.adapters.backup.table_file import plain_table
from shelfcast_data.adapters.sql.column_type import Millionths
from shelfcast_data.adapters.sql.every_table import every_table
from shelfcast_data.bootstrap.database import MIGRATIONS, VERSION_TABLE, migrate
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.migrate import downgrade, stored_revision
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import Boolean, ColumnClause, Date, Engine, String, insert, inspect

ROWS = 3
EMPTIED = {"snapshots"}
"""Tables that a migration empties, because their rows can be made again."""
Rows = Sequence[tuple[Any, ...]]
Layout = Mapping[str, Sequence[str]]


@pytest.fixture
def engine(settings: DataSettings) -> Iterator[Engine]:
    migrate(settings)
    made = create_service_engine(settings.database_url, pool_size=1, traced=False)
    with made.begin() as connection:
        for table in every_table():
            plain = plain_table(table)
            rows = [{each.name: value(each, row) for each in plain.columns} for row in range(1, ROWS + 1)]
            connection.execute(insert(plain), rows)
    yield made
    made.dispose()


def value(column: ColumnClause[Any], row: int) -> object:
    """Give a value of a column that differs from row to row."""
    if isinstance(column.type, UtcDateTime):
        return datetime(2026, 3, row, 1, 2, 3, 456_789, tzinfo=UTC)
    if isinstance(column.type, Millionths):
        return 123_456_789_012_345_670 + row
    if isinstance(column.type, Date):
        return date(2026, 3, row)
    if isinstance(column.type, Boolean):
        return row % 2 == 0
    return f"é{row}" if isinstance(column.type, String) else row


def layout(engine: Engine) -> Layout:
    """Give the names of the columns of each table."""
    found = inspect(engine)
    names = set(found.get_table_names()) - {VERSION_TABLE}
    return {name: [column["name"] for column in found.get_columns(name)] for name in sorted(names)}


def indexes(engine: Engine) -> Mapping[str, set[tuple[str | None, ...]]]:
    found = inspect(engine)
    return {
        name: {(index["name"], *index["column_names"]) for index in found.get_indexes(name)}
        for name in layout(engine)
    }


def contents(engine: Engine, columns: Layout) -> Mapping[str, Rows]:
    """Give the rows of tables, as the store gives them."""
    with engine.connect() as connection:
        return {
            name: sorted(
                tuple(row) for row in connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM {name}")
            )
            for name, names in columns.items()
            if name not in EMPTIED
        }


def shared(one: Layout, other: Layout) -> Layout:
    """Give what two layouts have in common."""
    return {
        name: [column for column in names if column in other[name]]
        for name, names in one.items()
        if name in other
    }


def revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return stored_revision(connection, VERSION_TABLE)


def test_rows_outlive_each_step_down_and_the_way_up(settings: DataSettings, engine: Engine) -> None:
    newest, full, keys = revision(engine), layout(engine), indexes(engine)
    before = full
    while revision(engine) != "0001":
        known = contents(engine, before)
        downgrade(settings.database_url, MIGRATIONS, VERSION_TABLE, "-1")
        after = layout(engine)
        common = shared(before, after)

        assert contents(engine, common) == cut(known, before, common)

        before = after
    lowest = contents(engine, shared(full, before))
    migrate(settings)

    assert (revision(engine), layout(engine), indexes(engine)) == (newest, full, keys)
    assert contents(engine, shared(full, before)) == lowest
    assert all(len(rows) == ROWS for rows in lowest.values())


def cut(known: Mapping[str, Rows], columns: Layout, wanted: Layout) -> Mapping[str, Rows]:
    """Give the columns of rows that are wanted."""
    return {
        name: sorted(tuple(row[columns[name].index(each)] for each in wanted[name]) for row in rows)
        for name, rows in known.items()
        if name in wanted
    }


def test_the_first_revision_can_be_taken_back_too(settings: DataSettings, engine: Engine) -> None:
    downgrade(settings.database_url, MIGRATIONS, VERSION_TABLE, "base")

    assert layout(engine) == {}


def test_the_tables_are_as_declared(engine: Engine) -> None:
    declared = {
        table.name: {(index.name, *(column.name for column in index.columns)) for index in table.indexes}
        for table in every_table()
    }
    found = indexes(engine)

    assert {name: sorted(names) for name, names in layout(engine).items()} == {
        table.name: sorted(table.columns.keys()) for table in every_table()
    }
    assert all(declared[name] <= found[name] for name in declared)
