"""Statements that both stores understand, each in its own dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import orjson
from sqlalchemy import Boolean, and_, func, insert, or_, select
from sqlalchemy.dialects import mysql, sqlite

from shelfcast_data.domain.category import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Executable, Insert, Select, Table
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    Filling: TypeAlias = Callable[[Insert], Insert]
    Changes: TypeAlias = Callable[[ReadOnlyColumnCollection[str, Any]], Mapping[str, ColumnElement[Any]]]

_BEHIND_SEPARATOR = chr(ord(SEPARATOR) + 1)


def read_in_order(query: Select[Any], table: Table, index: str) -> Select[Any]:
    """Have MySQL join tables in the order in which they are named, and read one of them by an index."""
    for dialect in ("mysql", "mariadb"):
        query = query.prefix_with("STRAIGHT_JOIN", dialect=dialect)
        query = query.with_hint(table, f"FORCE INDEX ({index})", dialect)
    return query


def insert_new(table: Table) -> Insert:
    """Give an INSERT that leaves rows alone whose key is there already."""
    statement = insert(table).prefix_with("OR IGNORE", dialect="sqlite")
    for dialect in ("mysql", "mariadb"):
        statement = statement.prefix_with("IGNORE", dialect=dialect)
    return statement


def insert_or_change(
    connection: Connection,
    table: Table,
    filled: Filling,
    changes: Changes,
    key: Sequence[str] = (),
) -> Executable:
    """Give an INSERT that changes the rows whose key is there already; all of them stay locked.

    filled: puts values or a query into the INSERT. changes: new values by column, out of the offered row.
    key: columns of the unique key that is meant; empty means the primary key.
    """
    if connection.dialect.name == "sqlite":
        ours = cast("sqlite.Insert", filled(sqlite.insert(table)))
        return ours.on_conflict_do_update(
            index_elements=list(key or table.primary_key), set_=changes(ours.excluded)
        )
    theirs = cast("mysql.Insert", filled(mysql.insert(table)))
    return theirs.on_duplicate_key_update(**changes(theirs.inserted))


def below(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    """Give the condition that a column holds a path below one, byte by byte on both stores."""
    return and_(column >= f"{path}{SEPARATOR}", column < f"{path}{_BEHIND_SEPARATOR}")


def at_or_below(column: ColumnElement[str], path: str) -> ColumnElement[bool]:
    """Give the condition that a column holds a path or one below it."""
    return or_(column == path, below(column, path))


def holds(connection: Connection, column: Column[Any], text: str) -> ColumnElement[bool]:
    """Give the condition that a column's JSON array of texts holds one, byte by byte on both stores."""
    if connection.dialect.name == "sqlite":
        elements = func.json_each(column).table_valued("value")
        return select(elements.c.value).where(elements.c.value == text).correlate(column.table).exists()
    return func.json_contains(column, orjson.dumps(text).decode(), type_=Boolean)


def free_columns(order: Sequence[Column[Any]], fixed: Sequence[str | None]) -> Sequence[Column[Any]]:
    """Give an order without the columns that a condition fixes.

    MariaDB sorts by hand where a fixed text is in the order: texts are compared without trailing blanks.
    fixed: the value that each column of the order is fixed to; None where it is free.
    """
    return [column for column, value in zip(order, fixed, strict=True) if value is None]
