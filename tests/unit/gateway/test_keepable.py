from __future__ import annotations

import pytest
from shelfcast_gateway.application.serve import is_keepable
from shelfcast_gateway.domain.exchange import Written


@pytest.mark.parametrize(
    ("named", "announced", "expected"),
    [
        (("dv-1", "20260701_020000"), ("dv-1", "20260701_020000"), True),
        (("dv-1", "20260701_020000"), ("dv-1", "20260701_020000.gru"), True),
        (("dv-1", None), ("dv-1", "20260701_020000.gru"), True),
        (("dv-1", "20260701_020000"), ("dv-2", "20260701_020000.gru"), False),
        (("dv-1", "20260701_020000"), ("dv-1", "20260702_020000.gru"), False),
        (("dv-1", "20260701_02"), ("dv-1", "20260701_020000.gru"), False),
    ],
)
def test_a_reply_is_kept_under_the_versions_that_it_names(
    named: tuple[str, str | None], announced: tuple[str, str], expected: bool
) -> None:
    assert is_keepable(Written(b"{}", "", versions=named), announced) is expected


def test_a_reply_from_a_lower_rung_is_not_kept() -> None:
    assert not is_keepable(Written(b"{}", "", is_best=False), ("dv-1", "20260701_020000.gru"))
