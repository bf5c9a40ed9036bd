"""Texts cut into blocks, and compressed texts expanded, under bounds."""

from __future__ import annotations

import gzip
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.adapters.files.expansion import ExpansionLimits, expanded
from shelfcast_data.adapters.files.lines import LineGauge, blocks
from shelfcast_data.errors import ExpansionTooLarge, LineTooLong

WIDE = ExpansionLimits(1 << 40, 1e9)


@given(st.lists(st.text("ab,", max_size=9), max_size=60), st.integers(1, 40), st.integers(8, 30))
def test_blocks_are_whole_lines_and_together_the_text(lines: list[str], piece: int, size: int) -> None:
    text = "\n".join(lines).encode()
    pieces = (text[start : start + piece] for start in range(0, len(text), piece))

    found = list(blocks(pieces, b"\n", 0, size, 100))

    assert b"".join(block.text for block in found) == text
    assert all(block.text.endswith(b"\n") for block in found[:-1])
    assert [block.end for block in found] == [
        sum(len(each.text) for each in found[: n + 1]) for n in range(len(found))
    ]


def test_a_line_without_end_is_refused_in_flat_memory() -> None:
    piece = b"x" * 65536
    endless = (piece for _ in range(32_768))  # two gigabytes
    tracemalloc.start()

    with pytest.raises(LineTooLong) as caught:
        list(blocks(endless, b"\n", 0, 1 << 20, 1 << 20))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.metadata["offset"] == "0"
    assert peak < 8 << 20


def test_a_gauge_names_where_the_long_line_begins() -> None:
    gauge = LineGauge(10)
    gauge.feed(b"abc\ndef")
    gauge.feed(b"ghi")

    with pytest.raises(LineTooLong) as caught:
        gauge.feed(b"jklmn")

    assert caught.value.metadata == {"offset": "4", "limit": "10"}


def test_gzip_of_several_members_is_one_text() -> None:
    file = io.BytesIO(gzip.compress(b"a\n") + gzip.compress(b"b\n"))

    assert b"".join(expanded(file, WIDE)) == b"a\nb\n"


def test_a_gzip_bomb_is_stopped_early_in_flat_memory() -> None:
    file = io.BytesIO(gzip.compress(b"\0" * (64 << 20)))
    tracemalloc.start()

    with pytest.raises(ExpansionTooLarge):
        for _ in expanded(file, ExpansionLimits(1 << 40, 100.0)):
            pass

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
