"""The rule for ids: opaque, printable, NFC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_servicekit.errors import FieldRuleViolated
from shelfcast_servicekit.identifier import id_fault, new_id, normal_id


@pytest.mark.parametrize(
    "value", ["oat-milk-1l", "a", "x" * 128, "Käse/Brot:7%", "日本茶", "4006381333931", "a b", "..", "50%"]
)
def test_an_opaque_id_is_good(value: str) -> None:
    assert id_fault(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 129,
        "x" * 10_000,
        " oat",
        "oat ",
        "o\nat",
        "o\tat",
        "o\x00at",
        "o\x7fat",
        "o\u2028at",
        "\ud800",
    ],
)
def test_a_bad_id_is_refused_with_its_place(value: str) -> None:
    with pytest.raises(FieldRuleViolated) as caught:
        normal_id(value, "/product_id")

    assert [(fault.pointer, fault.rule) for fault in caught.value.violations] == [("/product_id", "id.form")]


def test_two_spellings_of_one_text_are_one_id() -> None:
    assert normal_id("Ka\u0308se", "/id") == normal_id("K\u00e4se", "/id")


@pytest.mark.parametrize("word", ["batch", "recommendation", "bulk", "history"])
def test_a_reserved_word_can_be_looked_up_but_not_created(word: str) -> None:
    assert normal_id(word, "/product_id") == word
    with pytest.raises(FieldRuleViolated) as caught:
        new_id(word, "/product_id")

    assert caught.value.violations[0].rule == "id.reserved"


@given(st.text())
def test_a_good_id_stays_as_it_is(value: str) -> None:
    if id_fault(value) is None:
        once = normal_id(value, "/id")
        assert normal_id(once, "/id") == once == new_id(once, "/id", frozenset())
