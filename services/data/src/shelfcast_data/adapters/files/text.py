"""The text of an upload: whatever its form, its rows are read as CSV."""

from __future__ import annotations

from itertools import chain
from typing import IO, TYPE_CHECKING

from shelfcast_data.adapters.files.expansion import expanded
from shelfcast_data.adapters.files.form import TELLING_BYTES, Form, form_of
from shelfcast_data.adapters.files.json_text import from_array, from_records
from shelfcast_data.adapters.files.parquet_text import from_parquet
from shelfcast_data.adapters.files.workbook_text import from_workbook, is_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelfcast_data.adapters.files.expansion import ExpansionLimits


def text_of(file: IO[bytes], limits: ExpansionLimits, longest_line: int) -> Iterator[bytes]:
    """Give the rows of a file as CSV text in pieces of a bounded size; the same file gives the same bytes.

    Delimited text, NDJSON and JSON may be compressed by gzip, or be the one file in a zip; Parquet and
    XLSX compress themselves. Raises: FileRefused of the fitting kind.
    """
    form = form_of(file.read(TELLING_BYTES))
    file.seek(0)
    if form is Form.PARQUET:
        yield from _within(from_parquet(file), file, limits)
    elif form is Form.ZIP and is_workbook(file):
        yield from from_workbook(file, limits)
    else:
        yield from _from_stream(file, limits, longest_line)


def _from_stream(file: IO[bytes], limits: ExpansionLimits, longest_line: int) -> Iterator[bytes]:
    def pieces() -> Iterator[bytes]:
        file.seek(0)
        return expanded(file, limits)

    source = pieces()
    begin = next(source, b"")
    form = form_of(begin)
    if form is Form.RECORDS:
        yield from from_records(pieces, longest_line)
    elif form is Form.ARRAY:
        yield from from_array(pieces, longest_line)
    else:
        yield from chain([begin], source)


def _within(text: Iterator[bytes], file: IO[bytes], limits: ExpansionLimits) -> Iterator[bytes]:
    """Check a text that was packed densely against the limits of expansion."""
    sent = file.seek(0, 2)
    file.seek(0)
    total = 0
    for piece in text:
        total += len(piece)
        limits.check(total, sent)
        yield piece
