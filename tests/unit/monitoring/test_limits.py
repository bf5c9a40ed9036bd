"""Texts, severities and addresses: what is kept, how it is called, who may send."""

from __future__ import annotations

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_monitoring.domain.log_entry import least_severity, severity_word
from shelfcast_monitoring.domain.text_limit import (
    ATTRIBUTE_COUNT,
    ATTRIBUTE_TEXT_CHARACTERS,
    LEFT_OUT,
    VALUE_CHARACTERS,
    cut,
    cut_attributes,
)
from shelfcast_monitoring.errors import SeverityUnknown


@pytest.mark.parametrize("name", ["log_entry", "text_limit", "loopback"])
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"shelfcast_monitoring.domain.{name}"))

    assert result.attempted
    assert not result.failed


@given(text=st.text(), characters=st.integers(1, 50))
def test_a_cut_text_is_never_longer_than_allowed(text: str, characters: int) -> None:
    short = cut(text, characters)

    assert len(short) <= characters
    assert short == text or text.startswith(short[:-1])


def test_attributes_within_the_limits_are_kept_whole() -> None:
    pairs = {"rpc.method": "GetProduct", "http.status": "200"}

    assert cut_attributes(pairs.items(), 2) == pairs


def test_too_many_attributes_are_left_out_and_counted() -> None:
    kept = cut_attributes(((f"key-{number}", "value") for number in range(1000)), 1000)

    assert len(kept) == ATTRIBUTE_COUNT + 1
    assert kept[LEFT_OUT] == str(1000 - ATTRIBUTE_COUNT)


def test_long_values_are_cut_and_their_sum_is_bounded() -> None:
    kept = cut_attributes([(f"key-{number}", "x" * 100_000) for number in range(10)], 10)

    assert len(kept["key-0"]) == VALUE_CHARACTERS
    left_out = int(kept.pop(LEFT_OUT))
    assert left_out == 10 - len(kept)
    assert sum(map(len, kept.values())) <= ATTRIBUTE_TEXT_CHARACTERS


@given(st.lists(st.tuples(st.text(max_size=200), st.text(max_size=9000)), max_size=80))
def test_kept_attributes_are_always_bounded(pairs: list[tuple[str, str]]) -> None:
    kept = cut_attributes(pairs, len(pairs))

    texts = sum(len(key) + len(value) for key, value in kept.items() if key != LEFT_OUT)
    assert texts <= ATTRIBUTE_TEXT_CHARACTERS
    assert len(kept) <= ATTRIBUTE_COUNT + 1


@pytest.mark.parametrize(
    ("word", "least"), [("", 0), ("debug", 5), ("info", 9), ("warning", 13), ("error", 17)]
)
def test_a_severity_word_lets_through_from_its_number_on(word: str, least: int) -> None:
    assert least_severity(word) == least


@pytest.mark.parametrize("number", range(1, 25))
def test_every_severity_passes_the_filter_of_its_own_word(number: int) -> None:
    assert least_severity(severity_word(number)) <= number


@pytest.mark.parametrize("word", ["WARN", "warn", "critical", "9"])
def test_an_unknown_severity_is_refused_with_its_pointer(word: str) -> None:
    with pytest.raises(SeverityUnknown) as caught:
        least_severity(word)

    assert [violation.pointer for violation in caught.value.violations] == ["/min_severity"]
