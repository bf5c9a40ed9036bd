"""A remembered page is shown exactly as long as no version has touched its days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelfcast_data.application.history_memory import MOST_CHANGES, HistoryMemory, Page, pair_of
from shelfcast_data.domain.calendar import Granularity
from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.history import HistoryPage, HistoryQuery, Period, day_of
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey

DAYS = [date(2026, 3, day) for day in range(1, 5)]
SPANS = [(None, None), (DAYS[0], DAYS[1]), (DAYS[2], DAYS[3]), (None, DAYS[1]), (DAYS[2], None)]
Span = tuple[date | None, date | None]


def page(product_id: str, span: Span = (None, None), granularity: Granularity = Granularity.DAY) -> Page:
    start, end = span
    query = HistoryQuery(shop_id="s1", product_id=product_id, start=start, end=end, granularity=granularity)
    return query, 10, None


@dataclass
class Shop:
    """A shop whose versions the memory hears of only when it is asked."""

    memory: HistoryMemory
    number: int = 1
    sold: dict[tuple[str, date], int] = field(default_factory=dict)
    touched: dict[tuple[str, str], tuple[date, date]] | None = field(default_factory=dict)

    def sell(self, product_id: str, day: date = DAYS[0]) -> None:
        self.number += 1
        self.sold[product_id, day] = self.sold.get((product_id, day), 0) + 1
        if self.touched is not None:
            first, last = self.touched.get(("s1", product_id), (day, day))
            self.touched["s1", product_id] = min(first, day), max(last, day)

    def load(self) -> None:
        """Change more than can be told."""
        self.number += 1
        self.sold = {(name, day): self.sold.get((name, day), 0) + 100 for name in "ab" for day in DAYS}
        self.touched = None

    def hear(self) -> None:
        self.memory.advance("acme", self.view(), self.touched)
        self.touched = {}

    def read(self, wanted: Page) -> list[Period]:
        first, last = wanted[0].start or date.min, wanted[0].end or date.max
        rows = sorted((day, sold) for (name, day), sold in self.sold.items() if name == wanted[0].product_id)
        return [
            day_of(Sale(1, SaleKey("s1", "p", day), SaleFacts(sold), datetime(2026, 3, 2, tzinfo=UTC)))
            for day, sold in rows
            if first <= day <= last
        ]

    def view(self) -> View:
        return View(1, self.number, ())

    def keep(self, wanted: Page, view: View, found: list[Period]) -> None:
        self.memory.keep("acme", wanted, view, HistoryPage(found, None))

    def find(self, wanted: Page, tenant: str = "acme") -> list[Period] | None:
        found = self.memory.find(tenant, wanted)
        return None if found is None else list(found.periods)


PRODUCTS = st.sampled_from("ab")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), PRODUCTS, st.sampled_from(DAYS)),
        st.tuples(st.sampled_from(["ask", "fresh", "late"]), PRODUCTS, st.sampled_from(SPANS)),
        st.just(("load", "", DAYS[0])),
    ),
    min_size=10,
    max_size=40,
)


@settings(max_examples=300)
@given(steps=STEPS)
def test_a_page_that_is_found_is_what_a_read_would_give(steps: list[tuple[str, str, Any]]) -> None:
    shop = Shop(HistoryMemory())
    for step, name, what in steps:
        if step == "sell":
            shop.sell(name, what)
        elif step == "load":
            shop.load()
        elif step == "late":  # a read that ends after others have changed the series and been heard of
            view, found = shop.view(), shop.read(page(name, what))
            shop.sell(name)
            shop.hear()
            shop.keep(page(name, what), view, found)
        elif step == "fresh":  # a read of a version that the memory has not heard of
            shop.keep(page(name, what), shop.view(), shop.read(page(name, what)))
        else:
            shop.hear()
            wanted = page(name, what)
            assert shop.find(wanted) in (None, shop.read(wanted))
            shop.keep(wanted, shop.view(), shop.read(wanted))
            assert shop.find(wanted) == shop.read(wanted)


def test_a_page_stays_while_other_series_and_other_days_change() -> None:
    shop = Shop(HistoryMemory())
    shop.hear()
    wanted = page("a", (DAYS[0], DAYS[1]))
    shop.keep(wanted, shop.view(), shop.read(wanted))

    shop.sell("b")
    for _ in range(2 * MOST_CHANGES):
        shop.sell("a", DAYS[2])
        shop.hear()

    assert shop.find(wanted) == shop.read(wanted)
    assert shop.find(wanted, "other") is None


def test_a_sum_of_weeks_goes_with_any_day_of_its_series() -> None:
    shop = Shop(HistoryMemory())
    shop.hear()
    wanted = page("a", (DAYS[0], DAYS[1]), Granularity.WEEK)
    shop.keep(wanted, shop.view(), shop.read(wanted))

    shop.sell("a", DAYS[2])
    shop.hear()

    assert shop.find(wanted) is None


def test_what_is_kept_is_bounded() -> None:
    shop = Shop(HistoryMemory(most_periods=4))
    shop.load()
    shop.hear()

    for span in SPANS[1:4]:  # two days each
        shop.keep(page("a", span), shop.view(), shop.read(page("a", span)))

    assert [shop.find(page("a", span)) is None for span in SPANS[1:4]] == [True, True, False]


@pytest.mark.parametrize(
    ("query", "pair"),
    [
        (HistoryQuery("s1", "a"), ("s1", "a")),
        (HistoryQuery("s1", None), None),
        (HistoryQuery(None, "a"), None),
        (HistoryQuery("s1", "a", as_of=datetime(2026, 3, 1, tzinfo=UTC)), None),
    ],
)
def test_only_single_series_of_the_newest_version_are_remembered(
    query: HistoryQuery, pair: tuple[str, str] | None
) -> None:
    assert pair_of(query) == pair
