"""A cache that is never a reason to fail: Redis with a short leash, and one computation per key."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Counter, Gauge
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")

SOCKET_TIMEOUT_SECONDS: Final = 0.1
BYPASS_SECONDS: Final = 3.0
FAILURES_TO_BYPASS: Final = 3
MAX_CONNECTIONS: Final = 64

_TRACER: Final = trace.get_tracer("shelfcast.cache")
_READS: Final = Counter("cache_reads_total", "Cache reads by outcome.", ("cache", "outcome"))
_WRITES: Final = Counter("cache_writes_total", "Cache writes by outcome.", ("cache", "outcome"))
_BYPASSED: Final = Gauge("cache_bypassed", "1 while the cache is bypassed.", ("cache",))


def redis_client(url: str, *, timeout_seconds: float = SOCKET_TIMEOUT_SECONDS) -> Redis:
    """Make a Redis client for the hot path: short timeouts, no retries, bounded connections."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return Redis.from_pool(pool)  # closing the client closes the connections


class Breaker:
    """Opens for some seconds after failures in a row; then lets one probe through."""

    def __init__(
        self,
        failures: int = FAILURES_TO_BYPASS,
        open_seconds: float = BYPASS_SECONDS,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open after `failures` in a row, for `open_seconds`."""
        self._limit = failures
        self._open_seconds = open_seconds
        self._now = now
        self._failures = 0
        self._closed_until_failure = True
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are refused now, apart from a probe."""
        return not self._closed_until_failure

    def admits(self) -> bool:
        """Say whether a call may go out; an open breaker admits one probe per period."""
        if self._closed_until_failure:
            return True
        if self._now() < self._retry_at:
            return False
        self._retry_at = self._now() + self._open_seconds
        return True

    def succeeded(self) -> None:
        """Close after a success."""
        self._failures = 0
        self._closed_until_failure = True

    def failed(self) -> None:
        """Count a failure; open when there were enough in a row."""
        self._failures += 1
        if self._failures >= self._limit:
            self._closed_until_failure = False
            self._retry_at = self._now() + self._open_seconds


class RedisCache:
    """Bytes by key in Redis; a failure is a miss, is counted, and never raised."""

    def __init__(self, client: Redis, name: str, breaker: Breaker | None = None) -> None:
        """name: label of spans and metrics, for instance `forecasts`."""
        self.client = client
        self.breaker = breaker or Breaker()
        self._reads = {word: _READS.labels(name, word) for word in ("hit", "miss", "error", "bypass")}
        self._writes = {word: _WRITES.labels(name, word) for word in ("ok", "error", "bypass")}
        self._bypassed = _BYPASSED.labels(name)

    @property
    def is_bypassed(self) -> bool:
        """Whether Redis is left out now, because it failed."""
        return self.breaker.is_open

    async def get(self, key: str) -> bytes | None:
        """Give the value of a key, or None."""
        value, outcome = await self._guarded("GET", self.client.get, key)
        self._reads[outcome if outcome != "ok" else ("miss" if value is None else "hit")].inc()
        return cast("bytes | None", value)  # the client does not decode

    async def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Give the values of several keys in one round trip; all None when Redis is away."""
        if not keys:
            return []
        values, outcome = await self._guarded("MGET", self.client.mget, list(keys))
        if values is None:
            self._reads[outcome].inc(len(keys))
            return [None] * len(keys)
        hits = sum(value is not None for value in values)
        self._reads["hit"].inc(hits)
        self._reads["miss"].inc(len(keys) - hits)
        return cast("list[bytes | None]", list(values))

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> bool:
        """Store a value with a time to live; say whether it was stored."""

        def store() -> Awaitable[object]:
            return self.client.set(key, value, px=max(1, int(ttl_seconds * 1000)))

        _, outcome = await self._guarded("SET", store)
        self._writes[outcome].inc()
        return outcome == "ok"

    async def mset(self, values: Mapping[str, bytes], ttl_seconds: float) -> bool:
        """Store several values with one time to live in one round trip; say whether they were stored."""
        if not values:
            return True

        async def store() -> None:
            async with self.client.pipeline(transaction=False) as pipe:
                for key, value in values.items():
                    pipe.set(key, value, px=max(1, int(ttl_seconds * 1000)))
                await pipe.execute()

        _, outcome = await self._guarded("MSET", store)
        self._writes[outcome].inc(len(values))
        return outcome == "ok"

    async def _guarded(
        self, verb: str, command: Callable[..., Awaitable[T]], *arguments: object
    ) -> tuple[T | None, str]:
        """Give the answer and `ok`, or None and `error` or `bypass`."""
        if not self.breaker.admits():
            return None, "bypass"
        span = _start_span(verb)
        try:
            answer = await command(*arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(span, error)
            return None, "error"
        else:
            if self.breaker.is_open:
                self._bypassed.set(0)
            self.breaker.succeeded()
            return answer, "ok"
        finally:
            span.end()

    def _failed(self, span: trace.Span, error: Exception) -> None:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", type(error).__name__)
        self.breaker.failed()
        if self.breaker.is_open:
            self._bypassed.set(1)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


def _start_span(verb: str) -> trace.Span:
    if not trace.get_current_span().is_recording():
        return trace.INVALID_SPAN
    attributes = {"db.system.name": "redis", "db.operation.name": verb}
    return _TRACER.start_span(f"{verb} redis", kind=SpanKind.CLIENT, attributes=attributes)


class SingleFlight(Generic[K, T]):
    """One computation per key at a time within the process; all who wait share it."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._running: dict[K, asyncio.Task[T]] = {}
        self.coalesced_count = 0

    async def run(self, key: K, compute: Callable[[], Awaitable[T]]) -> T:
        """Give the result for `key`, computed once for all who ask meanwhile.

        The key holds the tenant. A cancelled waiter cancels neither the computation nor other waiters.
        Raises: whatever `compute` raises, to every waiter.
        """
        task = self._running.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(_awaited(compute))
            self._running[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        else:
            self.coalesced_count += 1
        return await asyncio.shield(task)

    def _finish(self, key: K, task: asyncio.Task[T]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # all waiters may have gone: the error counts as seen


async def _awaited(compute: Callable[[], Awaitable[T]]) -> T:
    return await compute()
