"""Paths of the category tree in SQL: moved with the categories and products that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, func, literal, select, update

from shelfcast_data.adapters.sql.catalogue_schema import CATEGORIES, PRODUCTS
from shelfcast_data.adapters.sql.statement import at_or_below, below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, ColumnElement, Connection


class CategoryPathRows:
    """The paths of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant

    def longest_below(self, path: str) -> int:
        """Give the length of the longest path at or below a path, in characters."""
        lengths = [len(path)]
        for column, held in self._holders(path):
            longest = select(func.max(func.char_length(column))).where(held)
            lengths.append(self._connection.execute(longest).scalar_one() or 0)
        return max(lengths)

    def move(self, old: str, new: str) -> None:
        """Put `new` in the place of `old` in all products at or below it and all categories below it."""
        for column, held in self._holders(old):
            moved = {column.name: literal(new) + func.substr(column, len(old) + 1)}
            stamp = {"updated_at": utc_now(), "revision": column.table.c.revision + 1}
            self._connection.execute(update(column.table).where(held).values({**moved, **stamp}))

    def _holders(self, path: str) -> Iterator[tuple[Column[str], ColumnElement[bool]]]:
        """Give each column that holds paths, and the condition that it is the tenant's and follows a path."""
        parts, products = CATEGORIES.c.path, PRODUCTS.c.category
        yield parts, and_(CATEGORIES.c.tenant == self._tenant, below(parts, path))
        yield products, and_(PRODUCTS.c.tenant == self._tenant, at_or_below(products, path))
