"""A consumer group of the event stream: each event is handled once, whatever is repeated or abandoned."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from prometheus_client import Counter
from redis.exceptions import RedisError, ResponseError

from shelfcast_servicekit.event_stream import STREAM, StreamEvent, event_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from redis.asyncio import Redis

BLOCK_SECONDS: Final = 1.0
"""Longest wait of one read; the client's socket timeout is above it."""
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
FORGOTTEN_SECONDS: Final = 3600.0
LEAVE_SECONDS: Final = 1.0

_EVENTS: Final = Counter("stream_events_total", "Events of the stream by outcome.", ("consumer", "outcome"))
_LOG: Final = logging.getLogger(__name__)

Entry: TypeAlias = "tuple[bytes, Mapping[bytes, bytes]]"
Handle: TypeAlias = "Callable[[StreamEvent], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How a group reads."""

    is_private: bool = False
    """Whether only one process reads, for what it holds in memory: it is given only what comes from then on,
    and groups of its role that nobody reads any more are removed. Others get all that the stream holds."""
    batch: int = 64
    """Entries of one read."""
    abandoned_seconds: float = 30.0
    """An entry that was not acknowledged for so long is taken over; longer than any handling takes."""
    most_deliveries: int = 5
    """An event whose handling has failed so often is dropped."""
    remembered_seconds: int = 24 * 3600
    """For so long a repeat of an event is known as one."""


class EventGroup:
    """One consumer of a group.

    An event is marked with the entry that it is handled from, before it is handled: another entry with the
    same event is a repeat and passed by, the same entry again (its consumer died) is not. So the effect comes
    once for each event, but where a consumer dies between the effect and the acknowledgement: there the
    handler sees it again.
    """

    def __init__(
        self, client: Redis, group: str, consumer: str, handle: Handle, options: GroupOptions | None = None
    ) -> None:
        """client: does not decode, and waits longer than `BLOCK_SECONDS`.

        group: its consumers share the events; what stands before a colon is its role.
        consumer: name of this one, for instance host and port.
        """
        self._client = client
        self._group = group
        self._consumer = consumer
        self._handle = handle
        self._options = options or GroupOptions()
        self._looked_at = float("-inf")
        self._role = group.partition(":")[0]
        words = ("handled", "repeated", "failed", "dropped")
        self._counts = {word: _EVENTS.labels(self._role, word) for word in words}

    async def run(self) -> None:
        """Handle events until cancelled; while Redis is away, wait for it."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self.join()
                while True:
                    await self.step()
                    _end_if_cancelled()
                    pause = FIRST_PAUSE_SECONDS
            except (RedisError, OSError, TimeoutError) as error:
                _LOG.debug("the event stream does not answer: %r", error)
            _end_if_cancelled()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def join(self) -> None:
        """Make the group unless it is there."""
        start = "$" if self._options.is_private else "0"
        try:
            await self._client.xgroup_create(STREAM, self._group, id=start, mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        if self._options.is_private:
            await self._remove_forgotten()

    async def _remove_forgotten(self) -> None:
        for group in await self._client.xinfo_groups(STREAM):
            name = group["name"].decode()
            if name == self._group or name.partition(":")[0] != self._role:
                continue
            readers = await self._client.xinfo_consumers(STREAM, name)
            if all(reader["idle"] >= FORGOTTEN_SECONDS * 1000 for reader in readers):
                await self._client.xgroup_destroy(STREAM, name)

    async def leave(self) -> None:
        """Remove the group: for one that only this process reads."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._client.xgroup_destroy(STREAM, self._group)

    async def step(self, block_seconds: float = BLOCK_SECONDS) -> None:
        """Handle what was abandoned, if it is time to look, and what is new. Raises: what the client does."""
        if time.monotonic() - self._looked_at >= self._options.abandoned_seconds / 2:
            self._looked_at = time.monotonic()
            await self._take_over()
        block = max(1, int(block_seconds * 1000))
        wanted = {STREAM: ">"}
        read = await self._client.xreadgroup(
            self._group,
            self._consumer,
            wanted,  # type: ignore[arg-type]  # the stub wants a wider dict, which is invariant
            count=self._options.batch,
            block=block,
        )
        for entry in _entries(read):
            await self._deal_with(entry, 1)

    async def _take_over(self) -> None:
        idle = int(self._options.abandoned_seconds * 1000)
        left = await self._client.xpending_range(
            STREAM, self._group, min="-", max="+", count=self._options.batch, idle=idle
        )
        deliveries = {each["message_id"]: int(each["times_delivered"]) for each in left}
        if not deliveries:
            return
        claimed = await self._client.xclaim(STREAM, self._group, self._consumer, idle, list(deliveries))
        for entry in cast("Sequence[Entry]", claimed):
            await self._deal_with(entry, deliveries[entry[0]] + 1)

    async def _deal_with(self, entry: Entry, delivery: int) -> None:
        try:
            event = event_of(entry[1])
        except (KeyError, UnicodeDecodeError):
            _LOG.exception("an entry of the stream holds no event: %s", entry[0])
            await self._dropped(entry[0])
            return
        if await self._is_repeat(event, entry[0]):
            self._counts["repeated"].inc()
            await self._client.xack(STREAM, self._group, entry[0])
        elif await self._is_handled(event):
            self._counts["handled"].inc()
            await self._client.xack(STREAM, self._group, entry[0])
        elif delivery >= self._options.most_deliveries:
            _LOG.error("event %s (%s) was dropped after %d attempts", event.event_id, event.name, delivery)
            await self._dropped(entry[0])

    async def _is_repeat(self, event: StreamEvent, entry_id: bytes) -> bool:
        """Mark an event with the entry that it is handled from; say whether another entry was first."""
        key, seconds = f"{STREAM}:{self._group}:{event.event_id}", self._options.remembered_seconds
        first = await self._client.set(key, entry_id, nx=True, get=True, ex=seconds)
        return first not in {None, entry_id}

    async def _is_handled(self, event: StreamEvent) -> bool:
        try:
            await self._handle(event)
        except Exception:  # noqa: BLE001 - the outermost frame of a handler: one event does not hold up the others
            self._counts["failed"].inc()
            _LOG.exception("event %s (%s) was not handled", event.event_id, event.name)
            return False
        return True

    async def _dropped(self, entry_id: bytes) -> None:
        self._counts["dropped"].inc()
        await self._client.xack(STREAM, self._group, entry_id)


def _end_if_cancelled() -> None:
    """End a task whose cancellation the client took for an error of the connection."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _entries(read: object) -> Sequence[Entry]:
    """Give the entries of a reply of XREADGROUP on one stream, in either protocol."""
    if isinstance(read, dict):
        return [entry for parts in read.values() for part in parts for entry in part]
    return [entry for _, entries in cast("list[tuple[bytes, list[Entry]]]", read or []) for entry in entries]
