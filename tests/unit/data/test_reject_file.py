"""The lines of a reject file."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.domain.reject_file import COLUMN, SourceRows
from shelfcast_data.domain.rejection import Rejection

HEADER = ("date", "store", "item", "sales")
MUCH = 1 << 20

cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)


def refusal(row: int, rule: str) -> Rejection:
    return Rejection(row, "sales", "", rule)


def test_a_row_keeps_its_cells_and_names_each_rule_once() -> None:
    source = SourceRows(HEADER, ";", b"a;b;c;d\n1;2;3;4\n", 10)

    kept = source.refused(
        [refusal(12, "date.form"), refusal(12, "quantity.number"), refusal(12, "date.form")], MUCH
    )

    assert source.reject_header() == b"date;store;item;sales;refused_because\n"
    assert kept == b"1;2;3;4;date.form quantity.number\n"


def test_a_reject_file_that_is_sent_again_has_the_column_once() -> None:
    source = SourceRows((*HEADER, COLUMN), ",", b"1,2,3,4,date.form\n1,2,3,x,\n1,2,3,4\n", 0)

    kept = source.refused(
        [refusal(1, "date.range"), refusal(2, "quantity.number"), refusal(3, "row.columns")], MUCH
    )

    assert source.reject_header() == b"date,store,item,sales,refused_because\n"
    assert kept == b"1,2,3,4,date.range\n1,2,3,x,quantity.number\n1,2,3,4,row.columns\n"


def test_bytes_that_are_no_text_stay_as_they_were_sent() -> None:
    source = SourceRows(HEADER, ",", b"1,2,\xe4,4\n", 0)

    assert source.refused([refusal(1, "row.encoding")], MUCH) == b"1,2,\xe4,4,row.encoding\n"


def test_only_whole_lines_find_room() -> None:
    source = SourceRows(HEADER, ",", b"1,2,3,4\n1,2,3,5\n", 0)

    kept = source.refused([refusal(1, "date.form"), refusal(2, "date.form")], 20)

    assert kept == b"1,2,3,4,date.form\n"


@given(
    st.lists(st.lists(cells, min_size=4, max_size=4).filter(any), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
)
def test_a_csv_reader_finds_the_cells_that_were_sent(rows: list[list[str]], delimiter: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    source = SourceRows(HEADER, delimiter, text.getvalue().encode(), 0)

    kept = source.refused([refusal(row, "date.form") for row in range(1, len(rows) + 1)], MUCH)

    found = list(csv.reader(io.StringIO(kept.decode()), delimiter=delimiter))
    assert found == [[*row, "date.form"] for row in rows]
