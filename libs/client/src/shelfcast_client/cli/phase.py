"""The steps of a long command, each with its seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd


@dataclass(slots=True)
class Phases:
    """A stopwatch that keeps the seconds of each named step."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds by step, in the order of the steps."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block as one step, whether it fails or not."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begun, 2)

    def frame(self) -> pd.DataFrame:
        """Give the steps as a table, with their sum."""
        rows = [*self.seconds.items(), ("total", sum(self.seconds.values()))]
        return pd.DataFrame(rows, columns=["phase", "seconds"])
