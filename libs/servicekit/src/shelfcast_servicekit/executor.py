"""One named, bounded thread pool for work that must not run on the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from shelfcast_servicekit.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class BlockingExecutor:
    """Runs blocking functions on its threads, with the caller's context variables."""

    def __init__(self, name: str, threads: int, queue_limit: int = 256) -> None:
        """Make a pool of `threads`; at most `queue_limit` calls wait, further ones are refused."""
        self.name = name
        self.threads = threads
        self._queue_limit = queue_limit
        self._in_flight = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    @property
    def in_flight(self) -> int:
        """Calls that run or wait now."""
        return self._in_flight

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Give the result of `fn`, run on a thread under a copy of the current context.

        A cancelled waiter does not stop the thread: `fn` brings its own time limit.
        Raises: UpstreamUnavailable when the queue is full; whatever `fn` raises.
        """
        if self._in_flight >= self.threads + self._queue_limit:
            raise UpstreamUnavailable(retry_after_seconds=1.0, service=self.name)
        context = contextvars.copy_context()
        call = partial(context.run, partial(fn, *args, **kwargs))
        with self._lock:
            self._in_flight += 1
        future = self._pool.submit(call)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    async def run_to_end(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do as `run`; a cancelled waiter waits for the end of `fn`, which may then be cleared up after."""
        running = asyncio.ensure_future(self.run(fn, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._in_flight -= 1

    def close(self) -> None:
        """Wait for running calls, drop waiting ones, and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
