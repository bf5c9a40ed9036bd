"""Which days of a series say something about demand, and what: absent is not zero (ADR 0020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shelfcast_model.domain.sales_grid import UNKNOWN, SalesGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray


def observed_demand(grid: SalesGrid) -> NDArray[np.float64]:
    """Give the demand that each day of each series showed, NaN where the day shows none.

    Shapes: float64[n_series, n_days] in units, 0 or more. The rule, first match counts:

    1. A row whose product was not available the whole day: NaN, the shelf hid the demand.
    2. Any other row: its quantity; more returned than sold is no demand, 0.
    3. No row, before the first row of the series: NaN, it was not yet launched.
    4. No row, and no series of the shop has one: NaN, the shop was closed or sent nothing.
    5. No row, and the series tells its availability elsewhere: NaN, here it did not.
    6. No row otherwise: 0. The shop was open, the product was listed, and nobody bought it.

    >>> from shelfcast_model.domain.sales_grid import SeriesKey
    >>> nan, unknown = np.nan, np.full((2, 4), UNKNOWN, np.int8)
    >>> sold = np.array([[nan, 3.0, nan, nan], [1.0, nan, nan, 2.0]])
    >>> keys = (SeriesKey("mitte", "milk"), SeriesKey("mitte", "oats"))
    >>> observed_demand(SalesGrid(keys, 0, sold, sold.astype(np.float32), unknown, unknown)).tolist()
    [[nan, 3.0, nan, 0.0], [1.0, 0.0, nan, 2.0]]
    """
    has_row = ~np.isnan(grid.quantity)
    launched = np.logical_or.accumulate(has_row, axis=1)
    tells = (grid.was_available != UNKNOWN).any(axis=1, keepdims=True)
    silent_zero = ~has_row & launched & _open_days(grid, has_row) & ~tells
    demand = np.where(silent_zero, 0.0, np.maximum(grid.quantity, 0.0))
    demand[grid.was_available == 0] = np.nan
    return demand


def _open_days(grid: SalesGrid, has_row: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give the days on which the shop of each series has any row: bool[n_series, n_days]."""
    names = [key.shop_id for key in grid.series]
    shops, shop = np.unique(np.array(names, object), return_inverse=True)
    days = np.zeros((len(shops), grid.day_count), np.bool_)
    for index in range(len(shops)):
        days[index] = has_row[shop == index].any(axis=0)
    opened: NDArray[np.bool_] = days[shop]
    return opened
