"""Histories of sales: which rows are asked for, and what a row of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from shelfcast_data.domain.calendar import Granularity
from shelfcast_data.domain.sale import Sale
from shelfcast_data.errors import RangeReversed, SalesArchived


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which rows a history shows."""

    shop_id: str | None = None
    """Only this shop; None means all."""
    product_id: str | None = None
    """Only this product; None means all."""
    start: date | None = None
    """First business date; None means from the beginning."""
    end: date | None = None
    """Last business date; None means to the end."""
    as_of: datetime | None = None
    """Instant as of which the rows are seen; None means now."""
    granularity: Granularity = Granularity.DAY
    """Length of the periods."""

    def checked(self) -> HistoryQuery:
        """Give the query back. Raises: RangeReversed."""
        if self.start is not None and self.end is not None and self.start > self.end:
            raise RangeReversed(start=self.start.isoformat(), end=self.end.isoformat())
        return self

    def kept(self, archived_before: date | None) -> HistoryQuery:
        """Give the query without archived days. Raises: SalesArchived if it asks for them by name."""
        if archived_before is None:
            return self
        asked = self.start or self.end
        if asked is not None and asked < archived_before:
            raise SalesArchived(archived_before=archived_before.isoformat())
        return replace(self, start=self.start or archived_before)


@dataclass(frozen=True, slots=True)
class Period:
    """One row of a history: a day's sale, or the sum of a week or month."""

    sale: Sale
    """The sale; for a sum, on the first day of the period."""
    last_date: date
    """Last day of the period, with a sale or without."""
    day_count: int | None
    """Days with a sale that are summed up; None for a day."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class HistoryPage:
    """Some rows of a history; what is made of a page may be kept for as long as the page is."""

    periods: Sequence[Period]
    """The rows, in the order of shop, product and date."""
    archived_before: date | None
    """First day that is not archived; None if nothing is."""


def day_of(sale: Sale) -> Period:
    """Give a day's sale as the row of a history."""
    return Period(sale, sale.key.sale_date, None)
