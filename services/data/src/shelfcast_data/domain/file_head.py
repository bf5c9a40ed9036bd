"""What the first bytes of a file tell: its encoding, its delimiter and its columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shelfcast_data.domain.column_mapping import MOST_COLUMNS, find_columns
from shelfcast_data.domain.pipeline_plan import Plan
from shelfcast_data.errors import (
    ColumnMissing,
    DelimiterWrong,
    EncodingUnsupported,
    FileEmpty,
    FileRefused,
    FileUnreadable,
    LineTooLong,
    MappingInvalid,
    PipelineUnfit,
)

DELIMITERS: Final = (",", ";", "\t", "|")
UTF8_MARK: Final = b"\xef\xbb\xbf"

_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_FORMATS: Final = (
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "an archive or a workbook within an archive"),
    (b"\x1f\x8b", "a gzip file within a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the client said about its file."""

    mapping: Mapping[str, str]
    """Column for each field that is not found by name."""
    shop_id: str | None
    """Shop of all rows; None means that the file has a shop column."""
    plan: Plan | None = None
    """What prepares the rows; None means nothing."""

    def find(self, header: tuple[str, ...]) -> tuple[tuple[str, ...], Mapping[str, int]]:
        """Give the columns that rules are applied to, and which of them holds each field.

        Raises: PipelineUnfit, MappingInvalid, ColumnMissing, FileUnreadable.
        """
        names = header if self.plan is None else self.plan.header(header)
        return names, find_columns(names, self.mapping, has_shop=self.shop_id is not None)


@dataclass(frozen=True, slots=True)
class FileHead:
    """How a file is to be cut into rows and columns."""

    delimiter: str
    """Character between columns."""
    newline: bytes
    """End of a line as it is searched for."""
    header: tuple[str, ...]
    """Names of the columns."""
    names: tuple[str, ...]
    """Names of the columns that the rules are applied to: those of the file, or those behind its pipeline."""
    columns: Mapping[str, int]
    """Index in `names` for each field that the file has."""
    start: int
    """Offset of the first data row, in bytes of the expanded file."""

    @property
    def mapping(self) -> Mapping[str, str]:
        """Column for each field that was found."""
        return {field: self.names[place] for field, place in self.columns.items()}


def read_head(head: bytes, expected: Expectation, max_line_bytes: int, *, is_whole: bool) -> FileHead:
    """Judge the first bytes of a file.

    head: at least `max_line_bytes` of the expanded file, or all of it. is_whole: whether it is all.
    Raises: FileRefused of the fitting kind, MappingInvalid.
    """
    if not head.strip():
        raise FileEmpty
    check_encoding(head, is_whole=is_whole)
    mark = len(UTF8_MARK) if head.startswith(UTF8_MARK) else 0
    newline = b"\n" if b"\n" in head or b"\r" not in head else b"\r"
    end = head.find(newline, mark)
    if end < 0 and not is_whole:
        raise LineTooLong(offset="0", limit=str(max_line_bytes))
    if end > max_line_bytes:
        raise LineTooLong(offset="0", limit=str(max_line_bytes))
    start = len(head) if end < 0 else end + 1
    delimiter, header, (names, columns) = _cut(head[mark:start].decode().strip("\r\n"), expected)
    if is_whole and not head[start:].strip():
        raise FileEmpty
    return FileHead(delimiter, newline, header, names, columns, start)


def check_encoding(head: bytes, *, is_whole: bool) -> None:
    """Raise EncodingUnsupported or FileUnreadable unless the bytes begin a text in UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            raise EncodingUnsupported(encoding=name)
    for magic, name in _FORMATS:
        if head.startswith(magic):
            raise FileUnreadable(problem=f"it is {name}")
    sample = head[:4096]
    if sample.count(0) > len(sample) // 4:
        raise EncodingUnsupported(encoding="UTF-16 or binary")
    if 0 in head[: head.find(b"\n") + 1]:
        raise FileUnreadable(problem="its header holds a NUL byte")
    if not _is_utf8(head if is_whole else head[: head.rfind(b"\n") + 1]):
        raise EncodingUnsupported(encoding="in an 8-bit encoding such as Latin-1")


def _is_utf8(text: bytes) -> bool:
    """Say whether most lines of a text are UTF-8; a single bad row is a matter of its own report."""
    try:
        text.decode()
    except UnicodeDecodeError:
        lines = text[:65536].split(b"\n")
        bad = sum(not _decodes(line) for line in lines)
        return bad * 2 < len(lines) and _decodes(lines[0])
    return True


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cut(
    line: str, expected: Expectation
) -> tuple[str, tuple[str, ...], tuple[tuple[str, ...], Mapping[str, int]]]:
    """Take the delimiter under which the header names all that is needed."""
    faults: list[tuple[int, FileRefused | MappingInvalid]] = []
    for delimiter in DELIMITERS:
        header = _names(line, delimiter)
        if len(header) < 2:
            continue
        try:
            return delimiter, header, expected.find(header)
        except (FileRefused, MappingInvalid) as fault:
            faults.append((len(header), fault))
    if not faults:
        raise DelimiterWrong(header=line[:100])
    raise max(faults, key=_weight)[1]


def _weight(each: tuple[int, Exception]) -> tuple[bool, int]:
    return (not isinstance(each[1], ColumnMissing | PipelineUnfit), each[0])


def _names(line: str, delimiter: str) -> tuple[str, ...]:
    if line.count(delimiter) > MOST_COLUMNS * 20:
        raise FileUnreadable(problem=f"it has more than {MOST_COLUMNS * 20} columns")
    rows: Sequence[Sequence[str]] = list(csv.reader([line], delimiter=delimiter))
    return tuple(name.strip() for name in rows[0]) if rows else ()
