"""How many connections the processes of an installation may hold, and whether the server has as many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OTHER_CONNECTIONS: Final[Mapping[str, int]] = {"model": 6, "model-worker": 36, "monitoring": 5}
"""Most connections of a process of another service; a test holds them against those services."""
KINDS: Final = ("data", "data-worker", *OTHER_CONNECTIONS)


def processes_of(text: str) -> Mapping[str, int]:
    """Give the number of processes by kind. Raises: ValueError that says what is wrong.

    >>> processes_of("data=2, model=1")
    {'data': 2, 'model': 1}
    """
    counts: dict[str, int] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        kind, _, count = part.partition("=")
        if kind not in KINDS or not count.isdecimal():
            raise ValueError(f"write kind=count, joined by commas, with kinds out of {', '.join(KINDS)}")
        counts[kind] = int(count)
    return counts


def checked_processes(text: str) -> str:
    """Give the text of a setting back. Raises: ValueError unless it can be read."""
    processes_of(text)
    return text


@dataclass(frozen=True, slots=True)
class ConnectionDemand:
    """What the processes of an installation may ask of one database server."""

    processes: Mapping[str, int]
    """Processes by kind."""
    connections: Mapping[str, int]
    """Most connections of one process, by kind."""
    reserve: int
    """Connections that are to stay free."""

    @property
    def total(self) -> int:
        """Most connections that are held at a time, without the reserve."""
        return sum(count * self.connections[kind] for kind, count in self.processes.items())

    def fits(self, max_connections: int) -> bool:
        """Say whether the server has enough."""
        return self.total + self.reserve <= max_connections

    def __str__(self) -> str:
        """Give the sum as it is made up."""
        parts = [
            f"{kind} {count} x {self.connections[kind]}" for kind, count in self.processes.items() if count
        ]
        return f"{' + '.join(parts)} = {self.total}"
