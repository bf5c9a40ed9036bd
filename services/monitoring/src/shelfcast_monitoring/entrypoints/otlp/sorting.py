"""What is taken from an OTLP request, and what the sender is told about the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from shelfcast_monitoring.ports import DropReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

MOST_A_REQUEST: Final = 10_000
"""Spans or log records taken from one request."""
MOST_GROUPS: Final = 1_000
"""Resources and scopes in one request; a request with more is refused."""

_SENTENCES: Final = {
    DropReason.TOO_MANY: f"more than {MOST_A_REQUEST} in one request",
    DropReason.INVALID: "trace id, span id or start time is missing or malformed",
    DropReason.QUEUE_FULL: "the receiver's queue is full",
    DropReason.NOT_KEPT: "metrics are not stored here; scrape /metrics",
}


@dataclass(frozen=True, slots=True)
class Sorted(Generic[T]):
    """The first spans or log records of a request, by the service that sent them."""

    groups: tuple[tuple[str, list[T]], ...]
    """Name of the service and what it sent."""
    total: int
    """How many there were in the request."""

    @property
    def count(self) -> int:
        """How many are taken."""
        return sum(len(items) for _, items in self.groups)

    def __iter__(self) -> Iterator[T]:
        return (item for _, items in self.groups for item in items)


def take_first(groups: Iterable[tuple[str, Sequence[T]]], most: int = MOST_A_REQUEST) -> Sorted[T]:
    """Give the first items of a request; what is over is counted and never looked at."""
    taken: list[tuple[str, list[T]]] = []
    total, room = 0, most
    for service, items in groups:
        total += len(items)
        if room and items:
            part = list(items[:room])
            room -= len(part)
            taken.append((service, part))
    return Sorted(tuple(taken), total)


@dataclass(slots=True)
class Rejections:
    """How many items were not taken, by reason."""

    counts: dict[DropReason, int] = field(default_factory=dict)
    """Only reasons that occurred."""

    def add(self, reason: DropReason, count: int) -> None:
        """Count items that were not taken."""
        if count:
            self.counts[reason] = self.counts.get(reason, 0) + count

    @property
    def total(self) -> int:
        """How many were not taken."""
        return sum(self.counts.values())

    @property
    def sentence(self) -> str:
        """What the sender is told, for instance `12 not kept: the receiver's queue is full`."""
        return "; ".join(f"{count} not kept: {_SENTENCES[reason]}" for reason, count in self.counts.items())
