from __future__ import annotations

from datetime import UTC, datetime

import pytest
from shelfcast_client.problem import Fault, problem_from_body, retry_after


def test_a_problem_body_is_read_whole() -> None:
    body: dict[str, object] = {
        "code": "FIELD_RULE_VIOLATED",
        "title": "A field breaks a rule",
        "detail": "A field breaks a rule.",
        "errors": [{"pointer": "/horizon", "detail": "must be 365 or less"}],
        "hint": "The errors list names each field.",
        "request_id": "abc",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }

    problem = problem_from_body(422, body, {"retry-after": "3"})

    assert problem.reason == "FIELD_RULE_VIOLATED"
    assert problem.faults == (Fault("/horizon", "must be 365 or less"),)
    assert problem.retry_after_seconds == 3.0
    assert str(problem).splitlines() == [
        "A field breaks a rule.",
        "  /horizon: must be 365 or less",
        "  The errors list names each field.",
    ]


@pytest.mark.parametrize("body", [{}, {"errors": "none"}, {"detail": 5, "errors": [3]}])
def test_a_body_of_another_form_is_a_problem_without_a_reason(body: dict[str, object]) -> None:
    problem = problem_from_body(502, body, {"x-request-id": "r-1"})

    assert (problem.reason, problem.faults, problem.request_id) == ("", (), "r-1")
    assert str(problem) == "HTTP 502"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("12", 12.0),
        ("Wed, 01 Jul 2026 12:00:30 GMT", 30.0),
        ("Wed, 01 Jul 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_takes_seconds_and_dates(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == seconds
