"""What the relay of events needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from shelfcast_data.domain.event import Backlog, StoredEvent

T = TypeVar("T")


class EventUnreadable(Exception):
    """An event cannot be put into a message, and never will be while it is what it is."""


class Outbox(Protocol):
    """The outbox within one transaction, of all tenants."""

    def take_lead(self, holder: str, lease_seconds: float) -> bool:
        """Become the only relay, or stay it; False while another process is."""

    def waiting(self, limit: int) -> Sequence[StoredEvent]:
        """Give up to `limit` events that wait, in their order."""

    def settle(self, published: Sequence[int]) -> None:
        """Store that events are in the stream."""

    def refuse(self, event_no: int, error: str, retry_seconds: float | None) -> None:
        """Store that an event cannot be put into a message, to be tried again or, on None, never."""

    def backlog(self) -> Backlog:
        """Say how far the relay is behind."""

    def prune(self, older_than_seconds: float, limit: int) -> int:
        """Delete up to `limit` events published longer ago; give how many."""

    def dead(self, limit: int) -> Sequence[StoredEvent]:
        """Give up to `limit` dead letters, in their order."""

    def requeue(self, event_ids: Sequence[str]) -> int:
        """Let dead letters wait again, all of them on none; give how many."""


class OutboxStore(Protocol):
    """Transactions on the outbox."""

    async def transact(self, work: Callable[[Outbox], T]) -> T:
        """Commit everything that `work` does, or nothing; it may run more than once."""

    async def read(self, work: Callable[[Outbox], T]) -> T:
        """Give what `work` reads."""


class EventStream(Protocol):
    """Where events go."""

    def packed(self, event: StoredEvent) -> bytes:
        """Give the message of an event. Raises: EventUnreadable."""

    async def publish(self, events: Sequence[tuple[StoredEvent, bytes]]) -> None:
        """Put events into the stream, all or none, in their order. Raises: UpstreamUnavailable."""
