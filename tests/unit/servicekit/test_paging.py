"""Page tokens: bound, authenticated, and gone after a day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_servicekit.errors import FieldRuleViolated, PageTokenInvalid
from shelfcast_servicekit.paging import LIFETIME_SECONDS, PageTokens, page_size_of

SCOPE = {"list": "sales", "order": "-date", "product_id": "oat-milk-1l"}
TOKENS = PageTokens(b"k" * 32)


@given(st.text(), st.lists(st.text()))
def test_a_token_gives_its_position_back(tenant: str, position: list[str]) -> None:
    token = TOKENS.issue(tenant, SCOPE, position)

    assert TOKENS.read(token, tenant, SCOPE) == tuple(position)


def test_the_empty_token_is_the_first_page() -> None:
    assert TOKENS.read("", "grocer", SCOPE) == ()


@pytest.mark.parametrize(
    ("tenant", "scope"),
    [
        ("baker", SCOPE),
        ("grocer", {**SCOPE, "order": "date"}),
        ("grocer", {**SCOPE, "product_id": "rye"}),
        ("grocer", {}),
    ],
)
def test_a_token_is_of_no_use_elsewhere(tenant: str, scope: dict[str, str]) -> None:
    token = TOKENS.issue("grocer", SCOPE, ["2024-05-01", "7"])

    with pytest.raises(PageTokenInvalid):
        TOKENS.read(token, tenant, scope)


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(PageTokens(b"j" * 32).issue("grocer", SCOPE, ["7"]), "grocer", SCOPE)


@given(st.text(min_size=1))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(text, "grocer", SCOPE)


@given(st.integers(min_value=0))
def test_a_changed_token_is_refused(place: int) -> None:
    token = TOKENS.issue("grocer", SCOPE, ["2024-05-01", "7"])
    place %= len(token) - 1  # the last character holds unused bits
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

    with pytest.raises(PageTokenInvalid):
        TOKENS.read(changed, "grocer", SCOPE)


def test_a_token_is_good_for_a_day() -> None:
    now = [1_700_000_000.0]
    tokens = PageTokens(b"k" * 32, now=lambda: now[0])
    token = tokens.issue("grocer", SCOPE, ["7"])

    now[0] += LIFETIME_SECONDS - 1
    assert tokens.read(token, "grocer", SCOPE) == ("7",)
    now[0] += 2
    with pytest.raises(PageTokenInvalid):
        tokens.read(token, "grocer", SCOPE)


@pytest.mark.parametrize(("asked", "given_size"), [(0, 50), (1, 1), (1000, 1000), (10**9, 1000)])
def test_page_sizes_are_coerced(asked: int, given_size: int) -> None:
    assert page_size_of(asked) == given_size


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(FieldRuleViolated) as caught:
        page_size_of(-1)

    assert caught.value.violations[0].pointer == "/page_size"
