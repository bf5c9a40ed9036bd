"""Days without stock, out of the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.domain.stockout import Days, LedgerWindow, StockoutQuery, empty_days
from shelfcast_data.errors import RangeReversed

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Days(date(2026, 3, 2), date(2026, 3, 8), BERLIN)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("opening", "changes", "empty"),
    [
        (5, [], []),
        (0, [], [2, 3, 4, 5, 6, 7, 8]),
        (None, [], []),
        (2, [(at(3), -2), (at(6), 4)], [4, 5]),
        (0, [(at(4, 8), 3), (at(4, 9), -3)], [2, 3, 5, 6, 7, 8]),
        (-1, [(at(4), 1)], [2, 3, 4, 5, 6, 7, 8]),
        (None, [(at(4), -1)], [5, 6, 7, 8]),
        (None, [(at(4), 0)], [5, 6, 7, 8]),
        (1, [(at(2, 0), -1)], [3, 4, 5, 6, 7, 8]),
        (0, [(at(9), 5)], [2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_a_day_is_empty_if_nothing_was_there_at_any_time(
    opening: int | None, changes: list[tuple[datetime, int]], empty: list[int]
) -> None:
    found = list(empty_days(LedgerWindow(opening, changes), WEEK))

    assert [day.day for day in found] == empty


def test_a_day_is_that_of_the_shop() -> None:
    midnight = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)

    found = list(empty_days(LedgerWindow(1, [(midnight, -1)]), WEEK))

    assert found[0] == date(2026, 3, 4)
    assert WEEK.begin.astimezone(UTC) == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert WEEK.over(datetime(2026, 3, 4, 22, 59, tzinfo=UTC)).last == date(2026, 3, 3)
    assert WEEK.over(datetime(2026, 3, 4, 23, 0, tzinfo=UTC)).last == date(2026, 3, 4)


@given(
    opening=st.none() | st.integers(-2, 2),
    steps=st.lists(st.tuples(st.integers(0, 7 * 24 - 1), st.integers(-3, 3)), max_size=8),
)
def test_empty_days_are_those_of_an_hourly_walk(opening: int | None, steps: list[tuple[int, int]]) -> None:
    days = Days(date(2026, 3, 2), date(2026, 3, 8), ZoneInfo("UTC"))
    ordered = sorted(steps, key=lambda step: step[0])
    changes = [(days.begin + timedelta(hours=hour), change) for hour, change in ordered]

    found = list(empty_days(LedgerWindow(opening, changes), days))

    level, walked = opening, []
    for place in range(7):
        levels = [level]
        for hour, change in ordered:
            if hour // 24 == place:
                level = (level or 0) + change
                levels.append(level)
        if all(each is not None and each <= 0 for each in levels):
            walked.append(days.first + timedelta(days=place))
    assert found == walked


def test_the_range_is_four_weeks_up_to_yesterday_unless_it_is_given() -> None:
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)

    assert StockoutQuery().days(now) == (date(2026, 3, 1), date(2026, 3, 28))
    with pytest.raises(RangeReversed):
        StockoutQuery(start=date(2026, 3, 29)).days(now)
