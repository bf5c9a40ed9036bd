"""What is known of short histories, and whether it still holds: read once, shown until its days change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from cachetools import LRUCache

from shelfcast_data.domain.calendar import Granularity
from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.history import HistoryPage, HistoryQuery
from shelfcast_data.domain.sale import SaleKey
from shelfcast_data.ports.sales import Days, Pair

MOST_PERIODS: Final = 200_000
"""Rows of histories that are kept, over all tenants."""
MOST_TENANTS: Final = 1_000
MOST_CHANGED: Final = 50_000
"""Series of a tenant whose changes are kept; past it all that is known of the tenant is forgotten."""
MOST_CHANGES: Final = 8
"""Changes of a series that are kept one by one; older ones are taken together."""

Page = tuple[HistoryQuery, int, SaleKey | None]
"""Query, limit and the day after which it begins."""


class _Change(NamedTuple):
    number: int
    """Version up to which it is known to have come."""
    first: date
    last: date


@dataclass(slots=True)
class _Tenant:
    view: View
    floor: int
    """What was read of an earlier version holds no more."""
    changed: dict[Pair, list[_Change]] = field(default_factory=dict)

    def note(self, pair: Pair, days: Days, number: int) -> None:
        """Note that days of a series have changed."""
        changes = self.changed.setdefault(pair, [])
        changes.append(_Change(number, *days))
        if len(changes) > MOST_CHANGES:
            one, other = changes[:2]
            together = _Change(other.number, min(one.first, other.first), max(one.last, other.last))
            changes[:2] = [together]

    def holds(self, query: HistoryQuery, pair: Pair, number: int) -> bool:
        """Say whether what was read of a version is what the newest shows."""
        first, last = _days(query)
        return self.floor <= number and all(
            change.number <= number or change.last < first or last < change.first
            for change in self.changed.get(pair, ())
        )


class HistoryMemory:
    """The pages of single series that were read of the newest version, with the version of each.

    A page that was read at version 7 holds at version 9 if neither 8 nor 9 has touched its days.
    """

    def __init__(self, most_periods: int = MOST_PERIODS) -> None:
        """Keep up to `most_periods` rows."""
        self._tenants: LRUCache[str, _Tenant] = LRUCache(MOST_TENANTS)
        self._pages: LRUCache[tuple[str, Page], tuple[int, HistoryPage]] = LRUCache(
            most_periods, getsizeof=lambda kept: len(kept[1].periods) + 1
        )

    def view(self, tenant: str) -> View | None:
        """Give the newest version that the memory has heard of; None if it knows nothing of the tenant."""
        known = self._tenants.get(tenant)
        return None if known is None else known.view

    def advance(self, tenant: str, view: View, touched: Mapping[Pair, Days] | None) -> None:
        """Hear of the newest version.

        touched: what it shows otherwise than the version of `view(tenant)`, the first and the last day by
        series; None means perhaps all.
        """
        known = self._tenants.get(tenant)
        if known is None or touched is None or len(known.changed) + len(touched) > MOST_CHANGED:
            self._tenants[tenant] = _Tenant(view, view.number)
            return
        for pair, days in touched.items():
            known.note(pair, days, view.number)
        known.view = view

    def find(self, tenant: str, page: Page) -> HistoryPage | None:
        """Give a page of the newest version that was heard of; None if it has to be read."""
        found = self._pages.get((tenant, page))
        return found[1] if found is not None and self._holds(tenant, page, found[0]) else None

    def keep(self, tenant: str, page: Page, view: View, read: HistoryPage) -> None:
        """Keep a page that was read of a view, unless it is out of date or too large."""
        if tenant not in self._tenants:
            self.advance(tenant, view, None)
        if self._holds(tenant, page, view.number) and len(read.periods) < self._pages.maxsize:
            self._pages[tenant, page] = view.number, read

    def _holds(self, tenant: str, page: Page, number: int) -> bool:
        known, pair = self._tenants.get(tenant), pair_of(page[0])
        return known is not None and pair is not None and known.holds(page[0], pair, number)


def _days(query: HistoryQuery) -> Days:
    """Give the first and last day that a page may depend on."""
    if query.granularity is not Granularity.DAY:
        return date.min, date.max
    return query.start or date.min, query.end or date.max


def pair_of(query: HistoryQuery) -> Pair | None:
    """Give the one series that a query of the newest version names; None if it is any other query."""
    if query.as_of is not None or query.shop_id is None or query.product_id is None:
        return None
    return query.shop_id, query.product_id
