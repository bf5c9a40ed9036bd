"""The first bytes of a file, and the columns that it has."""

from __future__ import annotations

import pytest
from shelfcast_data.domain.column_mapping import find_columns
from shelfcast_data.domain.file_head import Expectation, FileHead, read_head
from shelfcast_data.errors import (
    ColumnMissing,
    DelimiterWrong,
    EncodingUnsupported,
    FileEmpty,
    FileUnreadable,
    LineTooLong,
    MappingInvalid,
)

ROW = b"2017-01-01,1,1,5\n"


def head_of(text: bytes, mapping: dict[str, str] | None = None, shop_id: str | None = None) -> FileHead:
    return read_head(text, Expectation(mapping or {}, shop_id), 1000, is_whole=True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = delimiter.join(["date", "store", "item", "sales"]) + "\nx\n"

    head = head_of(text.encode())

    assert head.delimiter == delimiter
    assert head.start == len(text) - 2


def test_a_quoted_name_may_hold_the_delimiter() -> None:
    head = head_of(b'"note, or not",date,store,item,sales\n' + ROW)

    assert head.mapping["date"] == "date"
    assert head.columns["date"] == 1


def test_a_mark_of_utf8_is_no_part_of_the_first_name() -> None:
    assert head_of(b"\xef\xbb\xbfdate,store,item,sales\n" + ROW).header[0] == "date"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"  \n", FileEmpty),
        (b"date,store,item,sales\n\n", FileEmpty),
        (b"date\n2017-01-01\n", DelimiterWrong),
        (b"date,store\n2017-01-01,1\n", ColumnMissing),
        ("date,store,item,sales\n".encode("utf-32"), EncodingUnsupported),
        (b"\xe4,date\n" + ROW, EncodingUnsupported),
        (b"PAR1" + ROW, FileUnreadable),
        (b"d" * 2000 + b"\n" + ROW, LineTooLong),
    ],
)
def test_a_head_that_cannot_be_read_is_refused(text: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        head_of(text)


@pytest.mark.parametrize("mapping", [{"quantity": "much"}, {"much": "quantity"}])
def test_a_mapping_is_read_both_ways_and_wins_over_names(mapping: dict[str, str]) -> None:
    found = find_columns(["date", "store", "item", "sales", "much"], mapping)

    assert found["quantity"] == 4


@pytest.mark.parametrize("mapping", [{"date": "when"}, {"when": "where"}])
def test_a_mapping_of_unknown_names_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(MappingInvalid):
        find_columns(["date", "store", "item", "sales"], mapping)


def test_a_given_shop_stands_in_for_its_column() -> None:
    assert "shop_id" not in find_columns(["date", "item", "sales"], {}, has_shop=True)
