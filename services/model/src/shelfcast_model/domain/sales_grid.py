"""Sales rows laid out by series and day, so that new rows are written in place of old ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN: Final = -1
MOST_DAYS: Final = 3653
"""A grid holds at most ten years back from its newest day; older rows teach nothing about next month."""
MOST_CELLS: Final = 60_000_000
"""Beyond this many series times days (about 0.9 GB) the oldest days are left out."""
FEWEST_DAYS: Final = 400
"""Days that are kept however many series there are: a year and a season's edge."""


class SeriesKey(NamedTuple):
    """One product in one shop."""

    shop_id: str
    product_id: str


@dataclass(frozen=True, slots=True)
class SalesRows:
    """Columns of sales rows; a NaN quantity takes the row of that day away.

    Shapes: all arrays [n_rows]; `shop` and `product` index `shops` and `products`;
    `day` counts days since 1970-01-01; flags are 1, 0 or -1 for unknown; NaN price: unknown.
    """

    shops: tuple[str, ...]
    products: tuple[str, ...]
    shop: NDArray[np.int32]
    product: NDArray[np.int32]
    day: NDArray[np.int32]
    quantity: NDArray[np.float64]
    unit_price: NDArray[np.float64]
    is_promotion: NDArray[np.int8]
    was_available: NDArray[np.int8]

    def taken(self, wanted: NDArray[np.bool_]) -> SalesRows:
        """Give some of the rows. Shape of `wanted`: [n_rows]."""
        return SalesRows(
            self.shops,
            self.products,
            self.shop[wanted],
            self.product[wanted],
            self.day[wanted],
            self.quantity[wanted],
            self.unit_price[wanted],
            self.is_promotion[wanted],
            self.was_available[wanted],
        )


@dataclass(frozen=True, slots=True)
class SalesGrid:
    """What is known of each series on each day; it is never changed, only replaced.

    Shapes: arrays [n_series, n_days]; series ordered by shop and product.
    """

    series: tuple[SeriesKey, ...]
    first_day: int
    """Day of column 0, counted from 1970-01-01."""
    quantity: NDArray[np.float64]
    """Units; NaN = there is no row."""
    unit_price: NDArray[np.float32]
    """Price a unit; NaN = unknown."""
    is_promotion: NDArray[np.int8]
    """1, 0, or -1 for unknown."""
    was_available: NDArray[np.int8]
    """1, 0, or -1 for unknown."""

    @property
    def day_count(self) -> int:
        """Days from the first to the last column."""
        return int(self.quantity.shape[1])

    @property
    def last_day(self) -> int:
        """Day of the last column, in days since 1970-01-01; before `first_day` if there is none."""
        return self.first_day + self.day_count - 1


def empty_grid() -> SalesGrid:
    """Give the grid of a tenant without sales."""
    flags = np.zeros((0, 0), np.int8)
    return SalesGrid((), 0, np.zeros((0, 0)), np.zeros((0, 0), np.float32), flags, flags)


def with_rows(grid: SalesGrid, rows: SalesRows) -> SalesGrid:
    """Give a new grid in which `rows` stand in place of what was known of their days.

    Days at its ends, and series, that they leave without any row are left out. Days that a later one has
    pushed out, for want of room, do not come back when that one goes.
    """
    rows = _telling(grid, rows)
    if not rows.day.size:
        return grid
    pair = rows.shop.astype(np.int64) * len(rows.products) + rows.product
    pairs, inverse = np.unique(pair, return_inverse=True)
    keys = [
        SeriesKey(rows.shops[p // len(rows.products)], rows.products[p % len(rows.products)]) for p in pairs
    ]
    grown = _grown(grid, keys, int(rows.day.min()), int(rows.day.max()))
    position = {key: index for index, key in enumerate(grown.series)}
    series = np.array([position[key] for key in keys], np.int64)[inverse]
    column = rows.day.astype(np.int64) - grown.first_day
    kept = column >= 0
    place = (series[kept], column[kept])
    grown.quantity[place] = rows.quantity[kept]
    grown.unit_price[place] = rows.unit_price[kept]
    grown.is_promotion[place] = rows.is_promotion[kept]
    grown.was_available[place] = rows.was_available[kept]
    return _without_gone(grown, np.unique(series)) if np.isnan(rows.quantity).any() else grown


def _telling(grid: SalesGrid, rows: SalesRows) -> SalesRows:
    """Leave out rows that take away what is not there: they make no room and push nothing out."""
    is_far = (rows.day < grid.first_day) | (rows.day > grid.last_day)
    is_idle = is_far & np.isnan(rows.quantity)
    return rows.taken(~is_idle) if is_idle.any() else rows


def _without_gone(grid: SalesGrid, changed: NDArray[np.int64]) -> SalesGrid:
    """Leave out those of the changed series that have no row any more, and empty days at both ends."""
    has_row = ~np.isnan(grid.quantity)
    gone = changed[~has_row[changed].any(axis=1)]
    days = np.flatnonzero(has_row.any(axis=0))
    if len(gone) == len(grid.series) or not days.size:
        return empty_grid()
    first, last = int(days[0]), int(days[-1])
    if not gone.size and last - first + 1 == grid.day_count:
        return grid
    stays = np.setdiff1d(np.arange(len(grid.series)), gone)
    place = np.ix_(stays, np.arange(first, last + 1))
    return SalesGrid(
        tuple(grid.series[row] for row in stays.tolist()),
        grid.first_day + first,
        grid.quantity[place],
        grid.unit_price[place],
        grid.is_promotion[place],
        grid.was_available[place],
    )


def _grown(grid: SalesGrid, keys: list[SeriesKey], first: int, last: int) -> SalesGrid:
    """Give a copy of the grid with room for further series and days."""
    if grid.series:
        first = min(first, grid.first_day)
        last = max(last, grid.first_day + grid.day_count - 1)
    series = tuple(sorted({*grid.series, *keys}))
    room = max(FEWEST_DAYS, min(MOST_DAYS, MOST_CELLS // len(series)))
    first = max(first, last - room + 1)
    shape = (len(series), last - first + 1)
    grown = SalesGrid(
        series,
        first,
        np.full(shape, np.nan),
        np.full(shape, np.nan, np.float32),
        np.full(shape, UNKNOWN, np.int8),
        np.full(shape, UNKNOWN, np.int8),
    )
    if grid.series:
        _copy(grid, grown)
    return grown


def _copy(old: SalesGrid, new: SalesGrid) -> None:
    position = {key: index for index, key in enumerate(new.series)}
    rows = np.array([position[key] for key in old.series], np.int64)
    shift = old.first_day - new.first_day
    skipped = max(0, -shift)
    columns = slice(max(0, shift), max(0, shift) + max(0, old.day_count - skipped))
    for name in ("quantity", "unit_price", "is_promotion", "was_available"):
        getattr(new, name)[rows, columns] = getattr(old, name)[:, skipped:]
