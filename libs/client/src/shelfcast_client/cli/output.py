"""How the command speaks: to people in tables and colours, to machines in one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd
from rich.console import Console
from rich.table import Table

LONGEST_TABLE: Final = 60
PLAIN_WIDTH: Final = 120
FORECAST_COLUMNS: Final = {
    "shop_id": "shop",
    "product_id": "product",
    "date": "date",
    "predicted_qty": "expected",
    "lower_ci": "low",
    "upper_ci": "high",
    "rung": "rung",
}


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PLAIN_WIDTH)


def _stdout() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


@dataclass(frozen=True, slots=True)
class Output:
    """Where results and remarks go: results to standard output, remarks to standard error."""

    is_json: bool = False
    """Whether results are JSON."""
    results: Console = field(default_factory=_stdout)
    """Where results go."""
    remarks: Console = field(default_factory=_stderr)
    """Where remarks and progress go."""

    def say(self, text: str) -> None:
        """Tell a person what happens; machines read past it."""
        self.remarks.print(text, markup=False)

    def result(self, named: Mapping[str, object]) -> None:
        """Give a result of a few figures."""
        if self.is_json:
            self._json(dict(named))
            return
        for name, value in named.items():
            self.results.print(f"{name.replace('_', ' ')}: {_cell(value)}", markup=False)

    def frame(self, frame: pd.DataFrame, title: str = "") -> None:
        """Give a table; a long one is cut for people, never for machines."""
        if self.is_json:
            self._json(json.loads(frame.to_json(orient="records", date_format="iso", date_unit="s")))
            return
        self.results.print(_table(frame.head(LONGEST_TABLE), title))
        if len(frame) > LONGEST_TABLE:
            self.say(f"... {len(frame) - LONGEST_TABLE} more rows; --json gives all of them")

    def forecasts(self, frame: pd.DataFrame, title: str = "") -> None:
        """Give forecasts: all columns to machines, the ones that matter to people."""
        people = frame[list(FORECAST_COLUMNS)].rename(columns=FORECAST_COLUMNS)
        self.frame(frame if self.is_json else people, title)

    def fail(self, text: str, code: str) -> None:
        """Say why the command failed; `code` is a word for machines."""
        if self.is_json:
            self._json({"error": code, "detail": text})
        self.remarks.print(text, style="red", markup=False)

    def _json(self, value: object) -> None:
        self.results.file.write(json.dumps(value, default=str) + "\n")


def _table(frame: pd.DataFrame, title: str) -> Table:
    table = Table(title=title or None, title_justify="left")
    for name in frame.columns:
        is_number = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(str(name), justify="right" if is_number else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%a %Y-%m-%d")
    return "" if value is None else str(value)
