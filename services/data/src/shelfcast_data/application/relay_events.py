"""Relay events from the outbox to the stream: at least once, and those of a tenant in their order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from shelfcast_servicekit.errors import ShelfcastError

from shelfcast_data.domain.event import StoredEvent
from shelfcast_data.ports.outbox import EventStream, EventUnreadable, Outbox, OutboxStore

BATCH: Final = 200
LEASE_SECONDS: Final = 15.0
GATHER_SECONDS: Final = 0.1
"""Pause between two rounds, so that changes in a row go out together."""
LONGEST_PAUSE_SECONDS: Final = 10.0
MOST_ATTEMPTS: Final = 5
FIRST_RETRY_SECONDS: Final = 5.0
MEASURE_SECONDS: Final = 5.0
PRUNE_SECONDS: Final = 60.0
PRUNED_AT_ONCE: Final = 1000

_LOG: Final = logging.getLogger(__name__)

Failpoint = Callable[[str], None]
"""Ends the process on the spot if a test wants it at the named place."""


class Meter(Protocol):
    """What operators see of the relay."""

    def published(self, count: int) -> None:
        """Count events that were put into the stream."""

    def failed(self, reason: str) -> None:
        """Count a round that failed, or an event that cannot be put into a message."""

    def backlog(self, pending_count: int, oldest_seconds: float, dead_count: int) -> None:
        """Show how far the relay is behind."""


@dataclass(slots=True)
class EventRelay:
    """A background task; of several processes the one that holds the lease relays."""

    store: OutboxStore
    stream: EventStream
    meter: Meter
    holder: str
    """Name of this process."""
    retention_seconds: float
    """Age at which published events are deleted."""
    poll_seconds: float = 0.5
    """Longest time until an event of another process is noticed."""
    failpoint: Failpoint = lambda _: None
    clock: Callable[[], float] = time.monotonic
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _due: dict[str, float] = field(default_factory=dict)

    def wake(self) -> None:
        """Relay what this process has just committed without waiting for the next round."""
        self._wanted.set()

    async def run(self) -> None:
        """Relay until cancelled; while the database or Redis is away, events wait."""
        pause = self.poll_seconds
        while True:
            try:
                has_more = await self.step()
            except ShelfcastError as error:
                self.meter.failed(error.reason)
                _LOG.debug("events wait: %r", error)
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise asyncio.CancelledError from error  # a client may take it for a lost connection
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause = self.poll_seconds
            await (asyncio.sleep(0) if has_more else self._rest())

    async def _rest(self) -> None:
        await asyncio.sleep(min(GATHER_SECONDS, self.poll_seconds))
        try:
            async with asyncio.timeout(self.poll_seconds):
                await self._wanted.wait()
        except TimeoutError:
            pass
        self._wanted.clear()

    async def step(self) -> bool:
        """Relay one batch, if this process leads; say whether more may wait. Raises: UpstreamUnavailable."""
        if self._is_due("measure", MEASURE_SECONDS):
            backlog = await self.store.read(lambda outbox: outbox.backlog())
            self.meter.backlog(backlog.pending_count, backlog.oldest_seconds, backlog.dead_count)
        if not await self._leads():
            return False
        if self._is_due("prune", PRUNE_SECONDS):
            await self._prune()
        waiting = await self.store.read(lambda outbox: outbox.waiting(BATCH))
        await self._relay(waiting)
        return len(waiting) == BATCH

    def _is_due(self, what: str, every_seconds: float) -> bool:
        if self.clock() < self._due.get(what, 0.0):
            return False
        self._due[what] = self.clock() + every_seconds
        return True

    async def _leads(self) -> bool:
        """Hold the lease, renewed in time. A process that slept past it repeats events at worst."""
        if self.clock() < self._due.get("lease", 0.0):
            return True
        asked_at = self.clock()
        leads = await self.store.transact(lambda outbox: outbox.take_lead(self.holder, LEASE_SECONDS))
        self._due["lease"] = asked_at + LEASE_SECONDS / 3 if leads else 0.0
        return leads

    async def _prune(self) -> None:
        pruned = PRUNED_AT_ONCE
        while pruned == PRUNED_AT_ONCE:
            pruned = await self.store.transact(
                lambda outbox: outbox.prune(self.retention_seconds, PRUNED_AT_ONCE)
            )

    async def _relay(self, waiting: Sequence[StoredEvent]) -> None:
        packed: list[tuple[StoredEvent, bytes]] = []
        refused: list[tuple[StoredEvent, str]] = []
        for event in waiting:
            try:
                packed.append((event, self.stream.packed(event)))
            except EventUnreadable as error:
                refused.append((event, str(error)))
        if refused:
            await self.store.transact(lambda outbox: self._refuse(outbox, refused))
        if packed:
            await self._publish(packed)

    async def _publish(self, packed: Sequence[tuple[StoredEvent, bytes]]) -> None:
        self.failpoint("after_commit")
        await self.stream.publish(packed)
        self.failpoint("after_publish")
        numbers = [event.event_no for event, _ in packed]
        await self.store.transact(lambda outbox: outbox.settle(numbers))
        self.meter.published(len(packed))

    def _refuse(self, outbox: Outbox, refused: Sequence[tuple[StoredEvent, str]]) -> None:
        for event, error in refused:
            self.meter.failed("EVENT_UNREADABLE")
            attempt = event.attempt_count + 1
            is_last = attempt >= MOST_ATTEMPTS
            if is_last:
                _LOG.error("event %s is a dead letter: %s", event.event_id, error)
            retry = None if is_last else FIRST_RETRY_SECONDS * 2 ** (attempt - 1)
            outbox.refuse(event.event_no, error, retry)
