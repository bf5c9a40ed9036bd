"""The first sheet of an XLSX workbook as CSV text, row by row."""

from __future__ import annotations

import zipfile
import zlib
from datetime import datetime, time
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from shelfcast_data.adapters.files.csv_rows import csv_lines
from shelfcast_data.errors import FileEmpty, FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shelfcast_data.adapters.files.expansion import ExpansionLimits

_CONTENTS: Final = "[Content_Types].xml"
_BATCH: Final = 4096
_BROKEN: Final = (
    InvalidFileException,
    ParseError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    OSError,
)
"""What openpyxl raises of a damaged workbook."""


def is_workbook(file: IO[bytes]) -> bool:
    """Say whether a zip file is an office document. Raises: FileUnreadable."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _CONTENTS in archive.namelist()
    except zipfile.BadZipFile as error:
        raise FileUnreadable(problem="its zip data is damaged") from error


def from_workbook(file: IO[bytes], limits: ExpansionLimits) -> Iterator[bytes]:
    """Give the first sheet that has cells as CSV text; its first row that has cells is the header.

    Raises: ExpansionTooLarge, FileEmpty, FileUnreadable.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        limits.check(sum(each.file_size for each in members), sum(each.compress_size for each in members))
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            yield from _lines(chain.from_iterable(_rows(sheet) for sheet in book.worksheets[:1]))
        finally:
            book.close()
    except _BROKEN as error:
        raise FileUnreadable(problem="its workbook is damaged, or is no .xlsx") from error


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    filled = iter(rows)
    header = next((row for row in filled if any(cell is not None for cell in row)), None)
    if header is None:
        raise FileEmpty
    width = max(place for place, cell in enumerate(header, 1) if cell is not None)
    yield csv_lines([[_cell(cell) for cell in header[:width]]])
    while batch := list(islice(filled, _BATCH)):
        yield csv_lines(_row(row, width) for row in batch)


def _rows(sheet: object) -> Iterator[Sequence[object]]:
    sheet.reset_dimensions()  # type: ignore[attr-defined]  # what the file says of its size is often wrong
    yield from sheet.iter_rows(values_only=True)  # type: ignore[attr-defined]


def _row(row: Sequence[object], width: int) -> Sequence[str]:
    """Give as many cells as the header has; none for an empty row, and more where a rule must see them."""
    last = max((place for place, cell in enumerate(row, 1) if cell is not None), default=0)
    if not last:
        return []
    cells = [_cell(cell) for cell in row[: max(width, last)]]
    return cells + [""] * (width - len(cells))


def _cell(value: object) -> str:
    """Give a cell's text: a day without its midnight, a whole number without its point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(sep=" ")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
