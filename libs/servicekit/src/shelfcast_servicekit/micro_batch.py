"""Requests that arrive while one is served are served together next: batching without a timer."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from shelfcast_servicekit.deadline import deadline_within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

K = TypeVar("K", bound="Hashable")
I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")

MOST_WAITING: Final = 256
MOST_IN_BATCH: Final = 128


class BatchQueueFull(Exception):
    """As many requests wait as may."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[K, I, R]):
    key: K
    item: I
    expires_at: float
    future: asyncio.Future[R]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


class MicroBatcher(Generic[K, I, R]):
    """Serves items of one key together; a lone request never waits for company.

    Items that wait while a batch of their key is served form the next one. Entries whose caller has gone
    or whose time is over are dropped before. A batch runs in the context (trace, caller) of its oldest
    item, and under the longest of its deadlines.
    """

    def __init__(
        self,
        serve: Callable[[K, Sequence[I]], Awaitable[Sequence[R]]],
        *,
        most_waiting: int = MOST_WAITING,
        most_in_batch: int = MOST_IN_BATCH,
        batches_at_once: int = 1,
        gather_seconds: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Serve gives one result for each item, in order; never twice at once for one key.

        gather_seconds: pause after a batch that several items shared, so that under load fewer and
        larger batches are served; after a lone item there is none.
        """
        self._serve = serve
        self._most_waiting = most_waiting
        self._most_in_batch = most_in_batch
        self._batches_at_once = batches_at_once
        self._gather_seconds = gather_seconds
        self._now = now
        self._waiting: deque[_Waiting[K, I, R]] = deque()
        self._running: dict[K, asyncio.Task[None]] = {}
        self._gathering: set[K] = set()

    async def run(self, key: K, item: I, seconds: float | None = None) -> R:
        """Give the result for one item.

        seconds: time after which nobody wants the result; None means no limit.
        Raises: BatchQueueFull; TimeoutError when the time is over; whatever `serve` raises.
        """
        if len(self._waiting) >= self._most_waiting:
            raise BatchQueueFull
        loop = asyncio.get_running_loop()
        expires_at = float("inf") if seconds is None else self._now() + seconds
        entry: _Waiting[K, I, R] = _Waiting(key, item, expires_at, loop.create_future())
        self._waiting.append(entry)
        loop.call_soon(self._begin)
        return await entry.future

    def _begin(self) -> None:
        while len(self._running) < self._batches_at_once and (batch := self._next_batch()):
            key = batch[0].key
            serving = asyncio.get_running_loop().create_task(self._serve_all(batch), context=batch[0].context)
            self._running[key] = serving
            serving.add_done_callback(partial(self._ended, key, len(batch) > 1))

    def _ended(self, key: K, was_shared: bool, _: asyncio.Task[None]) -> None:
        del self._running[key]
        if was_shared and self._gather_seconds:
            self._gathering.add(key)
            asyncio.get_running_loop().call_later(self._gather_seconds, self._gathered, key)
        self._begin()

    def _gathered(self, key: K) -> None:
        self._gathering.discard(key)
        self._begin()

    def _next_batch(self) -> list[_Waiting[K, I, R]]:
        """Take the oldest live entry of a free key and what else waits for that key, up to the bound."""
        batch: list[_Waiting[K, I, R]] = []
        others: deque[_Waiting[K, I, R]] = deque()
        while self._waiting and len(batch) < self._most_in_batch:
            entry = self._waiting.popleft()
            if entry.future.done():
                continue
            if entry.expires_at <= self._now():
                entry.future.set_exception(TimeoutError())
            elif entry.key == batch[0].key if batch else self._is_free(entry.key):
                batch.append(entry)
            else:
                others.append(entry)
        self._waiting.extendleft(reversed(others))
        return batch

    def _is_free(self, key: K) -> bool:
        return key not in self._running and key not in self._gathering

    async def _serve_all(self, batch: list[_Waiting[K, I, R]]) -> None:
        seconds = max(entry.expires_at for entry in batch) - self._now()
        try:
            with deadline_within(seconds if seconds < float("inf") else None):
                results = await self._serve(batch[0].key, [entry.item for entry in batch])
        except BaseException as error:  # whatever it is, each caller gets it
            for entry in _live(batch):
                entry.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for entry, result in zip(batch, results, strict=True):
            if not entry.future.done():
                entry.future.set_result(result)


def _live(batch: list[_Waiting[K, I, R]]) -> list[_Waiting[K, I, R]]:
    return [entry for entry in batch if not entry.future.done()]
