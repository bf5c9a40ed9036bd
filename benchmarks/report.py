"""Print the figures of a benchmark beside their references and keep them as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, what it is held against, and whether it holds."""

    figure: str
    """What was measured, in words."""
    value: float | None
    """The measurement; None if it could not be taken."""
    unit: str
    """Unit of the value, and of the reference."""
    reference: float | None = None
    """The same measure of the reference in the same run; None if the bar is absolute."""
    ratio: float | None = None
    """Value over reference."""
    bar: str = ""
    """The bar in words, for instance `ratio <= 1.02`; empty if none was set."""
    holds: bool | None = None
    """Whether the bar is met; None if none was set."""


def publish(name: str, figures: Sequence[Figure]) -> None:
    """Print the figures as a table and write them to `benchmarks/results/<name>.json`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps([asdict(each) for each in figures], indent=1) + "\n", encoding="utf-8")
    rows = [_cells(each) for each in figures]
    header = ("figure", "value", "unit", "reference", "ratio", "bar", "holds")
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cells(each: Figure) -> tuple[str, ...]:
    holds = {True: "yes", False: "NO", None: ""}[each.holds]
    numbers = (_number(each.value), _number(each.reference), _number(each.ratio))
    return (each.figure, numbers[0], each.unit, numbers[1], numbers[2], each.bar, holds)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
