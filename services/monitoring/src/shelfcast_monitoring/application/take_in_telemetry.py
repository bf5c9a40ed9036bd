"""Take in telemetry: a bounded queue that never makes a sender wait, and the loop that empties it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from shelfcast_servicekit.errors import DeadlineExceeded, UpstreamUnavailable

from shelfcast_monitoring.errors import StoreRefused
from shelfcast_monitoring.ports import DropReason

if TYPE_CHECKING:
    from shelfcast_monitoring.ports import IntakeMeter, Signal

Item = TypeVar("Item")

LINGER_SECONDS: Final = 0.2
"""How long the first parcel waits for company, so that one commit serves many senders."""
MOST_A_WRITE: Final = 2000
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0

_LOG: Final = logging.getLogger("shelfcast.monitoring.intake")


@dataclass(frozen=True, slots=True)
class Parcel(Generic[Item]):
    """What one sender sent at once, still wrapped up."""

    count: int
    """Spans or log records in it."""
    size_bytes: int
    """Room that it takes while it waits."""
    unwrap: Callable[[], Sequence[Item]]
    """Gives what is in it; may take long, so it runs on the store's thread."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How much may wait."""

    items: int = 20_000
    """Spans or log records."""
    size_bytes: int = 32 * 1024 * 1024
    """Bytes as sent."""


class Intake(Generic[Item]):
    """The queue of one signal between senders and the store."""

    def __init__(
        self,
        signal: Signal,
        store: Callable[[Callable[[], Sequence[Item]]], Awaitable[int]],
        meter: IntakeMeter,
        limits: QueueLimits = QueueLimits(),
    ) -> None:
        """Bring to `store` what is offered; count it in `meter`."""
        self._signal = signal
        self._store = store
        self._meter = meter
        self._limits = limits
        self._parcels: deque[Parcel[Item]] = deque()
        self._waiting_items = 0
        self._waiting_bytes = 0
        self._filled = asyncio.Event()
        self._is_full = False
        self._write: asyncio.Future[bool] | None = None

    @property
    def waiting(self) -> int:
        """Spans or log records that wait now."""
        return self._waiting_items

    def offer(self, parcel: Parcel[Item]) -> bool:
        """Take a parcel and say so, or drop and count it at once when the queue is full."""
        has_room = (
            self._waiting_items + parcel.count <= self._limits.items
            and self._waiting_bytes + parcel.size_bytes <= self._limits.size_bytes
        )
        self._tell(is_full=not has_room)
        if not has_room:
            self._meter.dropped(self._signal, DropReason.QUEUE_FULL, parcel.count)
            return False
        self._parcels.append(parcel)
        self._weigh(parcel.count, parcel.size_bytes)
        self._filled.set()
        return True

    def _tell(self, *, is_full: bool) -> None:
        """Log when the queue becomes full or has room again; a line per drop would feed the queue."""
        if is_full is not self._is_full:
            self._is_full = is_full
            _LOG.warning("the queue of %s %s", self._signal, "is full" if is_full else "has room again")

    def _weigh(self, items: int, size_bytes: int) -> None:
        self._waiting_items += items
        self._waiting_bytes += size_bytes
        self._meter.queued(self._signal, self._waiting_items)

    async def run(self) -> None:
        """Store what is offered until cancelled; a background task of the service."""
        while True:
            await self._filled.wait()
            await asyncio.sleep(LINGER_SECONDS)
            await self._empty()
            self._filled.clear()

    async def flush(self, timeout_seconds: float) -> None:
        """Store what still waits, within the time, after `run` has ended; count what does not go through."""
        try:
            async with asyncio.timeout(timeout_seconds):
                if self._write is not None:
                    await asyncio.shield(self._write)
                await self._empty()
        except TimeoutError:
            self._meter.dropped(self._signal, DropReason.STOPPING, self._waiting_items)

    async def _empty(self) -> None:
        """Store everything that waits, again and again while the store is away."""
        pause = FIRST_PAUSE_SECONDS
        while self._parcels:
            # Shielded: a write under way ends in its thread whoever waits, and must not be repeated.
            self._write = asyncio.ensure_future(self._store_next())
            if await asyncio.shield(self._write):
                pause = FIRST_PAUSE_SECONDS
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _next_parcels(self) -> list[Parcel[Item]]:
        """Give the parcels of the next write; they stay in the queue until they are stored."""
        taken: list[Parcel[Item]] = []
        items = 0
        for parcel in self._parcels:
            if taken and items + parcel.count > MOST_A_WRITE:
                break
            taken.append(parcel)
            items += parcel.count
        return taken

    async def _store_next(self) -> bool:
        """Store the next parcels or drop what the store refuses; say whether they are dealt with."""
        parcels = self._next_parcels()
        try:
            stored = await self._store(lambda: _unwrapped(parcels))
        except (UpstreamUnavailable, DeadlineExceeded):
            return False
        except StoreRefused:
            stored = None
        self._leave(parcels, stored)
        return True

    def _leave(self, parcels: Sequence[Parcel[Item]], stored: int | None) -> None:
        for _ in parcels:
            self._parcels.popleft()
        count = sum(parcel.count for parcel in parcels)
        self._weigh(-count, -sum(parcel.size_bytes for parcel in parcels))
        if stored is None:
            _LOG.error("the store refused %s %s", count, self._signal)
            self._meter.dropped(self._signal, DropReason.STORE_REFUSED, count)
        else:
            self._meter.stored(self._signal, stored)


def _unwrapped(parcels: Sequence[Parcel[Item]]) -> list[Item]:
    return [item for parcel in parcels for item in parcel.unwrap()]
