"""Rows of one day, added up."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.domain.sales_columns import UNKNOWN, SalesColumns
from shelfcast_data.domain.same_day import mean_price, summed
from shelfcast_data.errors import FileUnreadable

UNIT = 1_000_000
Row = tuple[int, int, int, int, int, int]
rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(-5 * UNIT, 9 * UNIT),
        st.integers(UNKNOWN, 3) | st.integers(0, 99 * UNIT),
        st.integers(UNKNOWN, 1),
        st.integers(UNKNOWN, 1),
    ),
    max_size=30,
)


def columns(given_rows: list[Row]) -> SalesColumns:
    ordered = sorted(given_rows, key=lambda row: row[:2])
    table = np.array(ordered, dtype=np.int64).reshape(-1, 6).T
    returned = np.zeros(table.shape[1], dtype=np.int64)
    return SalesColumns(table[0], table[1], table[2], returned, *table[3:])


@given(rows)
def test_nothing_is_lost_and_each_day_stands_once(given_rows: list[Row]) -> None:
    days = summed(columns(given_rows))

    assert sorted({row[:2] for row in given_rows}) == list(
        zip(days.series.tolist(), days.day.tolist(), strict=True)
    )
    assert int(days.quantity.sum()) == sum(row[2] for row in given_rows)
    assert ((days.quantity < 0) == (days.is_return == 1)).all()


@given(rows)
def test_a_day_is_what_its_rows_say_in_any_order(given_rows: list[Row]) -> None:
    days = summed(columns(given_rows))
    backwards = summed(columns(given_rows[::-1]))

    for place, key in enumerate(zip(days.series.tolist(), days.day.tolist(), strict=True)):
        own = [row for row in given_rows if row[:2] == key]
        promotions, stock = [row[4] for row in own], [row[5] for row in own]
        assert days.is_promotion is not None
        assert days.was_available is not None
        assert days.is_promotion[place] == max(promotions)
        assert days.was_available[place] == (0 if 0 in stock else max(stock))
    for name in ("quantity", "unit_price", "is_promotion", "was_available"):
        assert np.array_equal(getattr(days, name), getattr(backwards, name))


@given(st.lists(st.tuples(st.integers(-9 * UNIT, 10**18), st.integers(0, 10**18)), min_size=1, max_size=9))
def test_the_price_is_revenue_by_units_to_the_millionth(pairs: list[tuple[int, int]]) -> None:
    sold = [pair for pair in pairs if pair[0] > 0]

    price = mean_price([pair[0] for pair in pairs], [pair[1] for pair in pairs])

    assert min(pair[1] for pair in pairs) <= price <= max(pair[1] for pair in pairs)
    if sold:
        exact = Fraction(sum(q * p for q, p in sold), sum(q for q, _ in sold))
        assert abs(price - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("quantities", "prices", "price"),
    [
        ([5, 5], [UNKNOWN, 7], 7),
        ([0, 0], [4, 8], 6),
        ([-3, -1], [4, 8], 5),
        ([-100, 1], [99, 8], 8),
    ],
)
def test_rows_that_sold_nothing_do_not_sway_the_price(
    quantities: list[int], prices: list[int], price: int
) -> None:
    assert mean_price(quantities, prices) == price


def test_a_day_without_any_price_has_none() -> None:
    days = summed(columns([(1, 1, 5, UNKNOWN, 0, 0), (1, 1, 6, UNKNOWN, 0, 0)]))

    assert days.unit_price is not None
    assert days.unit_price.tolist() == [UNKNOWN]


def test_absent_columns_stay_absent() -> None:
    days = summed(columns([(1, 1, 5, 7, 1, 1), (1, 1, 6, 7, 0, 1)]).with_only(["was_available"]))

    assert (days.unit_price, days.is_promotion) == (None, None)
    assert days.was_available is not None


def test_more_units_than_a_day_can_hold_are_refused() -> None:
    most = 999_999_999_999 * UNIT

    with pytest.raises(FileUnreadable) as caught:
        summed(columns([(1, 17_000, most, 1, 0, 0), (1, 17_000, most, 1, 0, 0), (2, 3, 5, 1, 0, 0)]))

    assert "2016-07-18" in caught.value.metadata["problem"]
