"""Statements that both stores take: long lists in parts, inserts that pass over what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Insert, Table

T = TypeVar("T")

CHUNK: Final = 500
"""Values in one IN list; SQLite takes 32,766 variables, older builds 999."""


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Give the items in order, at most `size` at a time.

    >>> list(chunks("abcde", 2))
    ['ab', 'cd', 'e']
    """
    return (items[start : start + size] for start in range(0, len(items), size))


def insert_new(table: Table) -> Insert:
    """Give an insert that leaves rows alone whose key is taken."""
    statement = insert(table).prefix_with("OR IGNORE", dialect="sqlite")
    return statement.prefix_with("IGNORE", dialect="mysql").prefix_with("IGNORE", dialect="mariadb")
