"""Rows of a file as columns of texts, on their way through the steps of a pipeline.

A column holds its distinct texts once, and for each row which of them it has: a step judges each distinct
text, or each distinct combination of texts of a few columns, once, however many rows have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shelfcast_data.domain.sales_columns import Flags, Numbers


@dataclass(frozen=True, slots=True)
class TextColumn:
    """One column: distinct texts, and which of them each row has."""

    name: str
    """Name of the column of the file that it is, or is made from."""
    words: Sequence[str]
    """The distinct texts."""
    codes: Numbers
    """For each row the place of its text in `words`."""
    sent: TextColumn | None = None
    """Column of the file that it is made from; None if it is that column."""

    @property
    def origin(self) -> TextColumn:
        """Column of the file, as it was sent."""
        return self if self.sent is None else self.sent

    def text(self, place: int) -> str:
        """Give the text of a row."""
        return self.words[int(self.codes[place])]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a step makes of the texts of a row."""

    text: str = ""
    """The new text."""
    fault: str = ""
    """Rule that the texts break; empty if they are good."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """A row that a step cannot take."""

    place: int
    """Place of the row in the sheet."""
    column: str
    """Column of the file."""
    value: str
    """Its text as it was sent."""
    rule: str
    """Rule that it broke."""


Lazy = Callable[[], TextColumn]
"""Gives a column when it is asked for the first time."""


@dataclass(slots=True)
class Sheet:
    """Some rows of a file; steps change it."""

    columns: dict[str, TextColumn | Lazy]
    """The columns by their present names, in their order."""
    is_out: Flags
    """Which rows no step has to do with any more: blank, left out, or refused."""
    faults: list[CellFault] = field(default_factory=list)
    """Rows that steps have refused."""
    filtered_count: int = 0
    """Rows that filters have left out."""
    closed_count: int = 0
    """Rows marked as not available because the shop was closed."""
    is_filtered: Flags = field(init=False)
    """Which rows filters have left out."""

    def __post_init__(self) -> None:
        """Begin with nothing left out."""
        self.is_filtered = np.zeros(len(self.is_out), dtype=bool)
        self.is_out = self.is_out.copy()

    def column(self, name: str) -> TextColumn:
        """Give a column that is there."""
        found = self.columns[name]
        if not isinstance(found, TextColumn):
            found = self.columns[name] = found()
        return found

    def rename(self, name: str, to: str) -> None:
        """Give a column another name, in its place."""
        self.columns = {to if each == name else each: value for each, value in self.columns.items()}

    def keep(self, names: Sequence[str]) -> None:
        """Keep only these columns, in this order."""
        self.columns = {name: self.columns[name] for name in names}

    def compute(self, inputs: Sequence[str], output: str, read: Callable[..., Cell]) -> None:
        """Make a column from the texts of some columns; faults point to the first of them.

        A row that has a fault is out from here on.
        """
        sources = [self.column(name) for name in inputs]
        texts, codes = combined(sources)
        cells = [read(*each) for each in texts]
        first = sources[0]
        self.columns[output] = TextColumn(first.name, [cell.text for cell in cells], codes, first.origin)
        is_bad = np.fromiter((bool(cell.fault) for cell in cells), np.bool_, len(cells))
        if not is_bad.any():
            return
        for place in np.flatnonzero(is_bad[codes] & ~self.is_out).tolist():
            sent = first.origin.text(place)
            self.faults.append(CellFault(place, first.name, sent, cells[int(codes[place])].fault))
            self.is_out[place] = True

    def where(self, inputs: Sequence[str], test: Callable[..., bool]) -> Flags:
        """Say for which rows, of those that are not out, a test of some texts holds."""
        texts, codes = combined([self.column(name) for name in inputs])
        holds = np.fromiter((test(*each) for each in texts), np.bool_, len(texts))
        found: Flags = holds[codes] & ~self.is_out
        return found

    def leave_out(self, rows: Flags) -> None:
        """Leave rows out of the import."""
        self.filtered_count += int(rows.sum())
        self.is_filtered |= rows
        self.is_out |= rows

    def put(self, name: str, rows: Flags, text: str, like: str) -> None:
        """Write a text into some rows of a column; one that is not there is made, as if from `like`."""
        if name in self.columns:
            known = self.column(name)
        else:
            known = TextColumn(self.column(like).name, [""], np.zeros(len(rows), np.int64))
            known = TextColumn(known.name, known.words, known.codes, self.column(like).origin)
        codes = np.where(rows, len(known.words), known.codes)
        self.columns[name] = TextColumn(known.name, [*known.words, text], codes, known.origin)


def combined(columns: Sequence[TextColumn]) -> tuple[Sequence[tuple[str, ...]], Numbers]:
    """Give the distinct combinations of texts in some columns, and which of them each row has.

    >>> one = TextColumn("a", ["x", "y"], np.array([0, 1, 0]))
    >>> two = TextColumn("b", ["1", "2"], np.array([1, 1, 1]))
    >>> texts, codes = combined([one, two])
    >>> list(texts), codes.tolist()
    ([('x', '2'), ('y', '2')], [0, 1, 0])
    """
    texts: list[tuple[str, ...]] = [(word,) for word in columns[0].words]
    codes = columns[0].codes
    for each in columns[1:]:
        size = len(each.words)
        distinct, codes = np.unique(codes * size + each.codes, return_inverse=True)
        texts = [(*texts[both // size], each.words[both % size]) for both in distinct.tolist()]
    return texts, codes


LONGEST_SHOWN: Final = 200
"""Characters of a cell that a preview shows."""


def shown_row(columns: Mapping[str, TextColumn], place: int) -> Mapping[str, str]:
    """Give the texts of a row by column, cut to what a preview shows."""
    return {name: column.text(place)[:LONGEST_SHOWN] for name, column in columns.items()}
