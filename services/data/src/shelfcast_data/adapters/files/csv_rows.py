"""Rows of any origin as lines of CSV, which is what the rest of an import reads."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    r"""Give rows as CSV in UTF-8, one line each.

    A line break within a cell becomes a vertical tab: a line stays a row, and no rule that refuses
    control characters is led astray.

    >>> csv_lines([["a", "b,c"], ["d", "e\nf"]])
    b'a,"b,c"\nd,e\x0bf\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_one_line(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _one_line(cell: str) -> str:
    return cell.replace("\r\n", "\v").replace("\n", "\v").replace("\r", "\v")
