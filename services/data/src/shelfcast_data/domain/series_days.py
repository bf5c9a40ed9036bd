"""The days of one series as the rules of quality see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfcast_data.domain.quality import Rule, Severity
from shelfcast_data.domain.sales_columns import UNKNOWN, Flags, Numbers, Places, SalesColumns

Figures = NDArray[np.float64]

MILLION: Final = 1_000_000
SIDE_DAYS: Final = 28
"""Rows on each side of a row that tell its usual level: whole weeks, so that each weekday counts alike."""
LEAST_SIDE_DAYS: Final = 14
"""Rows that a side must have to be heard."""


@dataclass(frozen=True, slots=True)
class SeriesDays:
    """The rows of one series in the order of their dates, at most one a day."""

    day: Numbers
    """int64[n], days since 1970-01-01, increasing."""
    quantity: Figures
    """float64[n], units."""
    price: Figures
    """float64[n], NaN = unknown."""
    was_available: Numbers
    """int64[n], 1, 0, or -1 = unknown."""
    ledger_empty: Flags | None = None
    """bool[n], whether the stock ledger shows no stock at any time of the day; None = no ledger."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.day)

    @property
    def observed(self) -> Figures:
        """Give float64[n], the quantities, NaN where the shelf was empty and hid the demand."""
        hidden = self.was_available == 0
        if self.ledger_empty is not None:
            hidden = hidden | (self.ledger_empty & (self.quantity <= 0))
        return np.where(hidden, np.nan, self.quantity)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What a rule says of one series."""

    rule: Rule
    severity: Severity
    days: Numbers
    """int64[m], days since 1970-01-01 that it concerns, increasing, at least one."""
    measured: float
    usual: float


def series_days(sales: SalesColumns, empty_days: Numbers | None = None) -> SeriesDays:
    """Give the rows of one series, out of the store's columns.

    empty_days: days on which the ledger shows no stock; None if there is no ledger of it.
    """
    unknown = np.full(len(sales), UNKNOWN, np.int64)
    price = unknown if sales.unit_price is None else sales.unit_price
    available = unknown if sales.was_available is None else sales.was_available
    known = np.where(price < 0, np.nan, price / MILLION)
    empty = None if empty_days is None else np.isin(sales.day, empty_days)
    return SeriesDays(sales.day, sales.quantity / MILLION, known, available, empty)


def levels_beside(values: Figures) -> tuple[Figures, Figures]:
    """Give the medians of the rows before and after each row, both float64[n], NaN where too few are known.

    Neither holds the row itself; each holds up to `SIDE_DAYS` rows, so that weekdays even out.
    """
    padding = np.full(SIDE_DAYS, np.nan)
    padded = np.concatenate([padding, values, padding])
    windows = np.lib.stride_tricks.sliding_window_view(padded, SIDE_DAYS)
    return _medians(windows[: len(values)]), _medians(windows[SIDE_DAYS + 1 :])


def _medians(windows: Figures) -> Figures:
    """Give float64[n], the median of each window without its NaN; NaN with fewer than half of it."""
    ordered = np.sort(windows, axis=1)
    known = (~np.isnan(windows)).sum(axis=1)
    rows, middle = np.arange(len(windows)), np.maximum(known - 1, 0)
    medians = (ordered[rows, middle // 2] + ordered[rows, (middle + 1) // 2]) / 2
    return np.where(known >= LEAST_SIDE_DAYS, medians, np.nan)


def runs(flags: Flags) -> list[Places]:
    """Give the places of each run of true flags.

    >>> [run.tolist() for run in runs(np.array([True, True, False, True]))]
    [[0, 1], [3]]
    """
    places = np.flatnonzero(flags)
    if not len(places):
        return []
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
