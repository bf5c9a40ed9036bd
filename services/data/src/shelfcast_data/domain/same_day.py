"""Several rows of one file for the same shop, product and date: refused, or added up like receipts."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np

from shelfcast_data.domain.decimal_text import UNIT
from shelfcast_data.domain.sales_columns import UNKNOWN, Numbers, Places, SalesColumns
from shelfcast_data.errors import FileUnreadable

MOST_UNITS: Final = 1_000_000_000_000
"""The units of a day stay below this, like those of a row."""

_HIGH: Final = np.iinfo(np.int64).max


class SameDay(StrEnum):
    """What becomes of rows whose day an earlier row of the file has."""

    REFUSE = "refuse"
    SUM = "sum"


def first_of_days(rows: SalesColumns) -> Places:
    """Give the places at which a new day begins, in rows ordered by series and day."""
    keys = rows.keys
    return np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, np.intp)


def summed(rows: SalesColumns) -> SalesColumns:
    """Give one row a day of rows ordered by series and day.

    Quantities are summed, so that returns, which are negative, are taken off; `is_return` marks a day on
    which returns exceed sales. The price is what a sold unit cost on the mean. A promotion on any row and a
    stock-out on any row are those of the day.
    Raises: FileUnreadable when a day's units reach 1,000,000,000,000.
    """
    if not len(rows):
        return rows
    first = first_of_days(rows)
    _check_range(rows, first)
    quantity = np.add.reduceat(rows.quantity, first)
    return SalesColumns(
        rows.series[first],
        rows.day[first],
        quantity,
        (quantity < 0).astype(np.int64),
        None if rows.unit_price is None else _mean_price(rows.quantity, rows.unit_price, first),
        None if rows.is_promotion is None else np.maximum.reduceat(rows.is_promotion, first),
        None if rows.was_available is None else _all(rows.was_available, first),
    )


def _check_range(rows: SalesColumns, first: Places) -> None:
    units = np.add.reduceat(np.abs(rows.quantity.astype(np.float64)), first) / UNIT
    if (units >= MOST_UNITS).any():
        day = np.datetime64(int(rows.day[first[int(np.argmax(units))]]), "D")
        problem = f"the rows of one product on {day} add up to {MOST_UNITS:,} units or more"
        raise FileUnreadable(problem=problem)


def _all(flags: Numbers, first: Places) -> Numbers:
    """Give 0 where any flag is 0, else 1 where any is 1, else unknown."""
    lowest: Numbers = np.minimum.reduceat(np.where(flags == UNKNOWN, 2, flags), first)
    return np.where(lowest == 2, UNKNOWN, lowest)


def _mean_price(quantity: Numbers, price: Numbers, first: Places) -> Numbers:
    """Give the mean price of each day; one number a day where all its rows have the same price."""
    highest: Numbers = np.maximum.reduceat(price, first)
    lowest: Numbers = np.minimum.reduceat(np.where(price == UNKNOWN, _HIGH, price), first)
    mean = highest.copy()
    end = np.append(first[1:], len(price))
    for day in np.flatnonzero((lowest != highest) & (highest != UNKNOWN)).tolist():
        part = slice(int(first[day]), int(end[day]))
        mean[day] = mean_price(quantity[part].tolist(), price[part].tolist())
    return mean


def mean_price(quantities: list[int], prices: list[int]) -> int:
    """Give the price of a sold unit, in millionths rounded half up; rows without a price are left out.

    Sum of price x quantity over the rows that sold, divided by what they sold. A day of returns only is
    weighted by what came back, a day on which nothing moved by rows.

    >>> mean_price([2_000_000, 1_000_000, -1_000_000], [3_000_000, 6_000_000, 9_000_000])
    4000000
    """
    rows = zip(quantities, prices, strict=True)
    known = [(quantity, price) for quantity, price in rows if price != UNKNOWN]
    weights = [max(quantity, 0) for quantity, _ in known]
    if not any(weights):
        weights = [abs(quantity) for quantity, _ in known]
    if not any(weights):
        weights = [1] * len(known)
    total = sum(weights)
    revenue = sum(weight * price for weight, (_, price) in zip(weights, known, strict=True))
    return (2 * revenue + total) // (2 * total)
