"""The reject file: refused rows as they were sent, with the rules that refused them in a last column."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shelfcast_data.domain.rejection import REMEDIES, Rejection

COLUMN: Final = "refused_because"
"""Name of the last column; no field is found by it, so that the mended file is read like the first one."""

_RULES: Final = frozenset(rule.encode() for rule in REMEDIES)


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Some rows of a file as they were sent."""

    header: tuple[str, ...]
    """Names of the file's columns."""
    delimiter: str
    """Character between columns."""
    text: bytes
    """The rows, one a line, ended by a line feed."""
    first_row: int
    """Rows of the file before them."""

    def reject_header(self) -> bytes:
        """Give the header of the reject file."""
        names = self.header if self.is_reject_file else (*self.header, COLUMN)
        line = io.StringIO()
        csv.writer(line, delimiter=self.delimiter, lineterminator="\n").writerow(names)
        return line.getvalue().encode()

    @property
    def is_reject_file(self) -> bool:
        """Whether the file is itself a reject file that was sent again."""
        return self.header[-1:] == (COLUMN,)

    def refused(self, rejections: Sequence[Rejection], room: int) -> bytes:
        """Give the lines of the refused rows, each with its rules, as far as `room` bytes go."""
        if not rejections:
            return b""
        rules: dict[int, list[str]] = {}
        for each in rejections:
            rules.setdefault(each.row, []).append(each.rule)
        lines = self.text.split(b"\n")
        kept = bytearray()
        for row, broken in rules.items():
            line = self._line(lines[row - self.first_row - 1], " ".join(dict.fromkeys(broken)).encode())
            if len(kept) + len(line) > room:
                break
            kept += line
        return bytes(kept)

    def _line(self, line: bytes, rules: bytes) -> bytes:
        mark = self.delimiter.encode()
        if self.is_reject_file:
            before, found, last = line.rpartition(mark)
            if found and set(last.split()) <= _RULES:
                line = before
        return line + mark + rules + b"\n"
