"""What is left of a deadline, and what a child may have of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_servicekit.deadline import child_timeout, deadline_within, remaining_seconds
from shelfcast_servicekit.errors import DeadlineExceeded

SECONDS = st.floats(min_value=0.1, max_value=3600)


@given(parent=SECONDS, cap=SECONDS, asked=st.none() | SECONDS)
def test_a_child_has_less_than_its_parent_and_no_more_than_its_cap(
    parent: float, cap: float, asked: float | None
) -> None:
    with deadline_within(parent):
        timeout = child_timeout(cap, asked)

        assert 0 < timeout < parent
        assert timeout <= cap
        assert asked is None or timeout <= asked


def test_without_a_deadline_the_cap_counts() -> None:
    assert remaining_seconds() is None
    assert child_timeout(5.0) == 5.0
    assert child_timeout(5.0, 2.0) == 2.0


def test_nothing_is_left_below_the_margin() -> None:
    with deadline_within(0.01), pytest.raises(DeadlineExceeded):
        child_timeout(5.0)


def test_background_work_has_no_deadline() -> None:
    with deadline_within(1.0), deadline_within(None):
        assert remaining_seconds() is None
