"""The rate limit: never more than the burst and the rate allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_gateway.domain.rate_limit import Limit, decide

TWO_A_SECOND = Limit("read", 2.0, 3)


def test_burst_passes_and_then_the_rate_holds() -> None:
    full_at, seen = 0.0, []
    for _ in range(4):
        verdict, full_at = decide(TWO_A_SECOND, full_at, 100.0)
        seen.append((verdict.is_allowed, verdict.remaining))

    later, _ = decide(TWO_A_SECOND, full_at, 100.5)

    assert seen == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert later.is_allowed


def test_refusal_says_when_to_come_again() -> None:
    full_at = 0.0
    for _ in range(3):
        _, full_at = decide(TWO_A_SECOND, full_at, 100.0)

    verdict, _ = decide(TWO_A_SECOND, full_at, 100.0)

    assert verdict.retry_after_seconds == pytest.approx(0.5)
    assert decide(TWO_A_SECOND, full_at, 100.5)[0].is_allowed


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_no_window_holds_more_than_burst_and_rate(gaps: list[float]) -> None:
    now, full_at, passed = 1000.0, 0.0, []
    for gap in gaps:
        now += gap
        verdict, full_at = decide(TWO_A_SECOND, full_at, now)
        if verdict.is_allowed:
            passed.append(now)

    for index, begin in enumerate(passed):
        for count, end in enumerate(passed[index:], start=1):
            assert count <= TWO_A_SECOND.burst + (end - begin) * TWO_A_SECOND.per_second + 1e-6


def test_headers_name_policy_and_rest() -> None:
    verdict, _ = decide(TWO_A_SECOND, 0.0, 5.0)

    assert TWO_A_SECOND.policy == '"read";q=3;w=2'
    assert verdict.header(TWO_A_SECOND) == '"read";r=2;t=1'
