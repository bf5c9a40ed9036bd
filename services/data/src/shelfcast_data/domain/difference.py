"""In what two data versions differ, day by day."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfcast_data.domain.sale import SaleFacts, SaleKey
from shelfcast_data.domain.sales_columns import (
    OPTIONAL,
    UNKNOWN,
    Flags,
    Numbers,
    Places,
    StoredColumns,
    series_and_day,
)


class DayChange(Enum):
    """What happened to a day of a series."""

    ADDED = 1
    CORRECTED = 2
    WITHDRAWN = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same series at two versions, on the days that may differ."""

    pairs: Sequence[tuple[str, str]]
    """Shop and product of each series, in their order."""
    before: StoredColumns
    """Rows of the earlier version, at most one a day; `series` is an index into `pairs`."""
    after: StoredColumns
    """Rows of the later version, likewise."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Days that differ, ordered by series and day; one value a day in each column."""

    change: NDArray[np.int8]
    """Values of `DayChange`."""
    before: Places
    """Place of the day's row in the earlier version; -1 where it was added."""
    after: Places
    """Place of the day's row in the later version; -1 where it was withdrawn."""
    series: Numbers
    """Index of the day's series."""
    day: Numbers
    """The day, days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class DayDifference:
    """One day that two versions tell differently."""

    key: SaleKey
    """Shop, product and date."""
    change: DayChange
    """What happened."""
    before: SaleFacts | None
    """What the earlier version says; None where it was added."""
    after: SaleFacts | None
    """What the later version says; None where it was withdrawn."""


@dataclass(slots=True)
class DifferencePage:
    """What two versions differ in: the counts of all days, and the first days after a position."""

    version: str
    """The later version."""
    base: str
    """The earlier version."""
    limit: int
    """Most days to keep."""
    start: SaleKey | None
    """Day after which the page begins; None means with the first."""
    counts: Counter[DayChange] = field(default_factory=Counter)
    """Days a change, on all pages."""
    series_count: int = 0
    """Series with a differing day, on all pages."""
    days: list[DayDifference] = field(default_factory=list)
    """The days of the page, in the order of shop, product and date."""

    def add(self, compared: Comparison) -> None:
        """Take in the next series, which follow those before in the order of shop and product."""
        found = differences(compared)
        for change in DayChange:
            self.counts[change] += int(np.count_nonzero(found.change == change.value))
        self.series_count += len(np.unique(found.series))
        here = np.flatnonzero(self._is_later(compared.pairs, found))[: self.limit - len(self.days)]
        self.days += [_day(compared, found, place) for place in here.tolist()]

    def _is_later(self, pairs: Sequence[tuple[str, str]], found: Differences) -> Flags:
        if self.start is None:
            return np.ones(len(found.day), dtype=bool)
        pair = self.start.shop_id, self.start.product_id
        place = bisect_left(pairs, pair)
        if place == len(pairs) or pairs[place] != pair:
            return np.greater_equal(found.series, place)
        is_same, since = found.series == place, (self.start.sale_date - _EPOCH).days
        return np.where(is_same, found.day > since, found.series > place)


def _day(compared: Comparison, found: Differences, place: int) -> DayDifference:
    shop_id, product_id = compared.pairs[int(found.series[place])]
    return DayDifference(
        SaleKey(shop_id, product_id, _EPOCH + timedelta(days=int(found.day[place]))),
        DayChange(int(found.change[place])),
        _facts(compared.before, int(found.before[place])),
        _facts(compared.after, int(found.after[place])),
    )


def _facts(rows: StoredColumns, place: int) -> SaleFacts | None:
    if place < 0:
        return None
    price, promotion, available = (int(getattr(rows.sales, name)[place]) for name in OPTIONAL)
    return SaleFacts(
        quantity=int(rows.sales.quantity[place]),
        unit_price=None if price == UNKNOWN else price,
        is_promotion=None if promotion == UNKNOWN else promotion == 1,
        was_available=None if available == UNKNOWN else available == 1,
        is_return=bool(rows.sales.is_return[place]),
    )


_NONE: Final = 0
_EPOCH: Final = date(1970, 1, 1)


def differences(compared: Comparison) -> Differences:
    """Give the days that the later version tells differently."""
    old, new = compared.before, compared.after
    keys = np.union1d(old.sales.keys, new.sales.keys)
    before, was = _places(old, keys)
    after, now = _places(new, keys)
    both = was & now
    is_corrected = np.zeros(len(keys), dtype=bool)
    is_corrected[both] = _differ(old, before[both], new, after[both])
    change = np.full(len(keys), _NONE, np.int8)
    change[now & ~was] = DayChange.ADDED.value
    change[was & ~now] = DayChange.WITHDRAWN.value
    change[is_corrected] = DayChange.CORRECTED.value
    here = np.flatnonzero(change != _NONE)
    series, day = series_and_day(keys[here])
    places = np.where(was, before, -1)[here], np.where(now, after, -1)[here]
    return Differences(change[here], *places, series, day)


def _places(rows: StoredColumns, keys: Numbers) -> tuple[Places, Flags]:
    """Give the place of each key's row, and whether the key has a sale there."""
    if not len(rows.sales):
        return np.zeros(len(keys), np.intp), np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(rows.sales.keys, keys), len(rows.sales) - 1)
    return place, (rows.sales.keys[place] == keys) & (rows.is_withdrawn[place] == 0)


def _differ(old: StoredColumns, before: Places, new: StoredColumns, after: Places) -> Flags:
    unlike = np.zeros(len(before), dtype=bool)
    for name in ("quantity", "is_return", *OPTIONAL):
        unlike |= getattr(old.sales, name)[before] != getattr(new.sales, name)[after]
    return unlike
