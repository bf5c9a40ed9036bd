"""Days on which a product could not be bought, as sales report them and as the ledger shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from shelfcast_data.domain.weekday import Weekday
from shelfcast_data.errors import RangeReversed

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StockoutQuery:
    """Which days a list shows."""

    shop_id: str | None = None
    """Only this shop; None means all."""
    product_id: str | None = None
    """Only this product; None means all."""
    start: date | None = None
    """First business date; None means 28 days up to the last one."""
    end: date | None = None
    """Last business date; None means the day before today."""

    def days(self, now: datetime) -> tuple[date, date]:
        """Give the first and the last day. Raises: RangeReversed."""
        end = self.end or now.date() - _DAY
        start = self.start or end - 27 * _DAY
        if start > end:
            raise RangeReversed(start=start.isoformat(), end=end.isoformat())
        return start, end


@dataclass(frozen=True, slots=True)
class Stockout:
    """One day on which a product could not be bought in a shop that was open."""

    shop_id: str
    product_id: str
    day: date
    """Business date of the shop."""
    is_reported: bool
    """Whether the sales of the day say so."""
    is_derived: bool
    """Whether the ledger has no stock above 0 at any time of the day."""


@dataclass(frozen=True, slots=True)
class LedgerWindow:
    """The ledger of a shop and product over some days."""

    opening: int | None
    """Level at the beginning, in millionths; None if nothing was recorded before."""
    changes: Sequence[tuple[datetime, int]]
    """Times and changes in millionths, in order."""


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of one time zone."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def begin(self) -> datetime:
        """Give the first instant."""
        return datetime.combine(self.first, time.min, self.zone)

    @property
    def end(self) -> datetime:
        """Give the first instant after them."""
        return datetime.combine(self.last + _DAY, time.min, self.zone)

    def over(self, now: datetime) -> Days:
        """Give those of the days that are over; none if the last lies before the first."""
        return Days(self.first, min(self.last, now.astimezone(self.zone).date() - _DAY), self.zone)


def empty_days(window: LedgerWindow, days: Days) -> Iterator[date]:
    """Give the days without stock above 0 at any time; a day before the first movement is not known."""
    level, day = window.opening, days.first
    for changed, group in groupby(window.changes, lambda change: change[0].astimezone(days.zone).date()):
        if changed > days.last:
            break
        if level is not None and level <= 0:
            yield from _each(day, changed - _DAY)
        highest = level
        for _, change in group:
            level = (level or 0) + change
            highest = None if highest is None else max(highest, level)
        if highest is not None and highest <= 0:
            yield changed
        day = changed + _DAY
    if level is not None and level <= 0:
        yield from _each(day, days.last)


def closed_days(
    opening: Collection[Weekday], closures: Iterable[tuple[date, date]], first: date, last: date
) -> set[date]:
    """Give the days on which a shop is closed, from the first to the last one.

    opening: weekdays on which it is open; none means every day. closures: first and last day of each.

    >>> sorted(each.day for each in closed_days([], [(date(2026, 3, 1), date(2026, 3, 3))],
    ...     date(2026, 3, 2), date(2026, 3, 8)))
    [2, 3]
    """
    closed = {day for day in _each(first, last) if opening and day.isoweekday() not in opening}
    for start, end in closures:
        closed.update(_each(max(start, first), min(end, last)))
    return closed


def _each(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY
