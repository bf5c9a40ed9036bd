"""Rows of sales as columns of numbers, and how new rows meet those that are stored."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

UNKNOWN: Final = -1
OPTIONAL: Final = ("unit_price", "is_promotion", "was_available")

_DAY_BITS: Final = 20
_DAY_SHIFT: Final = 1 << 19


@dataclass(frozen=True, slots=True)
class SalesColumns:
    """Rows of sales, one value a row in each column."""

    series: Numbers
    """Number of the series in the store; in a file not yet matched, index into its pairs."""
    day: Numbers
    """Business date, days since 1970-01-01."""
    quantity: Numbers
    """Units sold, in millionths."""
    is_return: Numbers
    """1 where a negative quantity is meant, else 0."""
    unit_price: Numbers | None = None
    """Price in millionths, -1 = unknown; None if the file has no such column."""
    is_promotion: Numbers | None = None
    """1, 0, or -1 = unknown; None if the file has no such column."""
    was_available: Numbers | None = None
    """1, 0, or -1 = unknown; None if the file has no such column."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.series)

    @property
    def keys(self) -> Numbers:
        """One number a row that tells series and day, in the order of the store."""
        return (self.series << _DAY_BITS) + (self.day + _DAY_SHIFT)

    def taken(self, places: Places) -> SalesColumns:
        """Give the rows at these places, in their order."""
        return SalesColumns(
            self.series[places],
            self.day[places],
            self.quantity[places],
            self.is_return[places],
            _taken(self.unit_price, places),
            _taken(self.is_promotion, places),
            _taken(self.was_available, places),
        )

    def with_only(self, columns: Collection[str]) -> SalesColumns:
        """Give these rows without the optional columns that are not named."""
        return replace(
            self,
            unit_price=self.unit_price if "unit_price" in columns else None,
            is_promotion=self.is_promotion if "is_promotion" in columns else None,
            was_available=self.was_available if "was_available" in columns else None,
        )

    def with_series(self, series: Numbers) -> SalesColumns:
        """Give these rows with other series numbers."""
        return replace(self, series=series)

    def replaced(self, places: Places, rows: SalesColumns) -> SalesColumns:
        """Give these rows with those at `places` replaced; absent columns become unknown elsewhere."""
        return replace(
            self,
            unit_price=self._put("unit_price", places, rows.unit_price),
            is_promotion=self._put("is_promotion", places, rows.is_promotion),
            was_available=self._put("was_available", places, rows.was_available),
        )

    def _put(self, name: str, places: Places, values: Numbers | None) -> Numbers | None:
        own: Numbers | None = getattr(self, name)
        if values is None:
            return own
        column = np.full(len(self), UNKNOWN, np.int64) if own is None else own.copy()
        column[places] = values
        return column


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the rows of a chunk."""

    accepted_count: int
    """Rows stored."""
    repeated: Places
    """Places of rows that said what is stored already."""
    duplicates: Places
    """Places of rows whose day an earlier row of the same load has."""


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows of a load that wait to be added up, ordered by series, day and row; of whole days only."""

    sales: SalesColumns
    """The rows; every optional column is there."""
    is_new: Flags
    """Whether the row's series came with this load."""


class DaysTaken(Exception):
    """Rows of a chunk meet days that its load has stored already."""


@dataclass(frozen=True, slots=True)
class StoredColumns:
    """Stored rows of a chunk's days, at most one a day, ordered by series and day."""

    sales: SalesColumns
    """What is stored; every optional column is there."""
    is_withdrawn: Numbers
    """1 where the day has no sale any more, else 0."""
    load: Numbers | None = None
    """Number of the load that told the row; None where nobody asks for it."""


def series_and_day(keys: Numbers) -> tuple[Numbers, Numbers]:
    """Give series and day of keys as `SalesColumns.keys` makes them.

    >>> [column.tolist() for column in series_and_day(np.array([(7 << 20) + (1 << 19) + 30]))]
    [[7], [30]]
    """
    return keys >> _DAY_BITS, (keys & ((1 << _DAY_BITS) - 1)) - _DAY_SHIFT


def first_of_each(keys: Numbers) -> tuple[Places, Places]:
    """Give the places of the first row of each key, in the order of the keys, and of all later rows.

    >>> [places.tolist() for places in first_of_each(np.array([7, 3, 7]))]
    [[1, 0], [2]]
    """
    _, first = np.unique(keys, return_index=True)
    is_later = np.ones(len(keys), dtype=bool)
    is_later[first] = False
    return first, np.flatnonzero(is_later)


def completed(new: SalesColumns, stored: StoredColumns) -> tuple[SalesColumns, Flags]:
    """Give rows with absent columns taken from the stored rows, and which rows say what is stored.

    new: at most one row a day, ordered by series and day, like `stored`.
    """
    place = np.searchsorted(stored.sales.keys, new.keys)
    place = np.minimum(place, max(len(stored.sales) - 1, 0))
    if not len(stored.sales):
        return new, np.zeros(len(new), dtype=bool)
    is_known = (stored.sales.keys[place] == new.keys) & (stored.is_withdrawn[place] == 0)
    filled = new
    for name in OPTIONAL:
        if getattr(new, name) is None:
            old = getattr(stored.sales, name)[place]
            filled = replace(filled, **{name: np.where(is_known, old, UNKNOWN)})
    same = is_known & (filled.quantity == stored.sales.quantity[place])
    same &= filled.is_return == stored.sales.is_return[place]
    for name in OPTIONAL:
        same &= getattr(filled, name) == getattr(stored.sales, name)[place]
    return filled, same


def once_each(cells: Numbers) -> Numbers:
    """Give row versions each once, ordered by series, day and load, the first three cells of a column.

    >>> once_each(np.array([[2, 1, 2], [5, 5, 5], [9, 9, 9]])).tolist()
    [[1, 2], [5, 5], [9, 9]]
    """
    cells = cells[:, np.lexsort((cells[2], cells[1], cells[0]))]
    is_new = np.ones(cells.shape[1], dtype=bool)
    is_new[1:] = (cells[:3, 1:] != cells[:3, :-1]).any(axis=0)
    return cells[:, is_new]


def newest_of_each(stored: StoredColumns) -> StoredColumns:
    """Give the last row of each day, out of rows ordered by series, day and load."""
    keys = stored.sales.keys
    last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True)) if len(keys) else np.empty(0, np.intp)
    return StoredColumns(stored.sales.taken(last), stored.is_withdrawn[last], _taken(stored.load, last))


def _taken(column: Numbers | None, places: Places) -> Numbers | None:
    return None if column is None else column[places]
