"""New rows beside stored ones, and the texts of single cells."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.domain.decimal_text import decimal_of, millionths_of
from shelfcast_data.domain.sales_columns import (
    SalesColumns,
    StoredColumns,
    completed,
    first_of_each,
    newest_of_each,
)
from shelfcast_data.domain.sales_field import READERS


def columns(*rows: tuple[int, int, int], **optional: list[int]) -> SalesColumns:
    series, day, quantity = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    more = {name: np.array(values, dtype=np.int64) for name, values in optional.items()}
    return SalesColumns(series, day, quantity, np.zeros(len(series), np.int64), **more)


def stored(*rows: tuple[int, int, int], price: int = -1) -> StoredColumns:
    unknown = [-1] * len(rows)
    sales = columns(*rows, unit_price=[price] * len(rows), is_promotion=unknown, was_available=unknown)
    return StoredColumns(sales, np.zeros(len(rows), np.int64))


def test_a_row_that_says_what_is_stored_repeats_it() -> None:
    filled, same = completed(
        columns((1, 5, 7), (1, 6, 7), (2, 5, 7)), stored((1, 5, 7), (1, 6, 8), price=129)
    )

    assert same.tolist() == [True, False, False]
    assert filled.unit_price is not None
    assert filled.unit_price.tolist() == [129, 129, -1]


def test_a_cell_that_is_there_and_empty_is_a_correction() -> None:
    _, same = completed(columns((1, 5, 7), unit_price=[-1]), stored((1, 5, 7), price=129))

    assert same.tolist() == [False]


def test_the_last_version_of_a_day_counts() -> None:
    newest = newest_of_each(stored((1, 5, 1), (1, 5, 2), (1, 6, 3), (2, 5, 4), (2, 5, 5)))

    assert newest.sales.quantity.tolist() == [2, 3, 5]


@given(st.lists(st.integers(-50, 50), max_size=40))
def test_first_rows_and_later_rows_part_all_rows(keys: list[int]) -> None:
    first, later = first_of_each(np.array(keys, dtype=np.int64))

    assert sorted([*first.tolist(), *later.tolist()]) == list(range(len(keys)))
    assert [keys[place] for place in first] == sorted(set(keys))
    assert all(keys.index(keys[place]) < place for place in later)


@given(st.integers(-(10**17), 10**17))
def test_millionths_and_decimals_are_the_same(number: int) -> None:
    assert millionths_of(decimal_of(number)) == number


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_every_date_is_read(day: date) -> None:
    reading = READERS["date"](day.isoformat())

    assert reading.fault == ""
    assert date.fromordinal(reading.number + date(1970, 1, 1).toordinal()) == day


@pytest.mark.parametrize(
    ("field", "text", "fault"),
    [
        ("date", "1899-12-31", "date.range"),
        ("date", "2017-1-1", "date.form"),
        ("quantity", "0x10", "quantity.number"),
        ("quantity", "1_000", "quantity.number"),
        ("quantity", "\u0661", "quantity.number"),
        ("quantity", "1e999", "quantity.range"),
        ("unit_price", "-1", "unit_price.range"),
        ("unit_price", "inf", "unit_price.finite"),
        ("is_promotion", "maybe", "is_promotion.flag"),
        ("shop_id", "a\tb", "shop_id.form"),
        ("product_id", "history", "product_id.reserved"),
    ],
)
def test_a_cell_is_refused_by_name_of_its_rule(field: str, text: str, fault: str) -> None:
    assert READERS[field](text).fault == fault


@pytest.mark.parametrize(
    ("text", "number"), [("1.0000005", 1_000_000), ("1.0000015", 1_000_002), (" 2e2 ", 200_000_000)]
)
def test_quantities_are_rounded_to_six_places(text: str, number: int) -> None:
    assert READERS["quantity"](text).number == number
