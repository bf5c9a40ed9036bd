"""Pruning by age and by size, in small steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shelfcast_monitoring.application.prune_telemetry import PruneTelemetry, Retention
from shelfcast_monitoring.ports import Dropped, Signal
from shelfcast_servicekit.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.domain.trace_summary import TraceSummary
    from shelfcast_monitoring.ports import LogFilter, LogPosition, Tenant, TraceFilter, TracePosition

SECOND = 1_000_000_000
NOW = 1_000_000 * SECOND
KEEP = Retention(trace_seconds=100.0, log_seconds=50.0, trace_bytes=1000, log_bytes=1000)


@dataclass
class FakeStore:
    """Traces and logs as (received_ns, size) pairs, oldest first."""

    traces_kept: list[tuple[int, int]] = field(default_factory=list)
    logs_kept: list[tuple[int, int]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def size_bytes(self, signal: Signal) -> int:
        return sum(size for _, size in (self.logs_kept if signal is Signal.LOGS else self.traces_kept))

    async def drop_traces(self, limit: int, received_before_ns: int | None) -> Dropped:
        return self._drop(self.traces_kept, limit, received_before_ns)

    async def drop_logs(self, limit: int, received_before_ns: int | None) -> Dropped:
        return self._drop(self.logs_kept, limit, received_before_ns)

    def _drop(self, rows: list[tuple[int, int]], limit: int, before_ns: int | None) -> Dropped:
        if self.failures:
            raise self.failures.pop(0)
        gone = [row for row in rows if before_ns is None or row[0] < before_ns][:limit]
        del rows[: len(gone)]
        self.steps.append(len(gone))
        return Dropped(len(gone), sum(size for _, size in gone))

    async def add_spans(self, open_spans: Callable[[], Sequence[Span]]) -> int:
        raise NotImplementedError

    async def add_logs(self, open_logs: Callable[[], Sequence[LogEntry]]) -> int:
        raise NotImplementedError

    async def spans_of(self, trace_id: str, tenant: Tenant, limit: int) -> Sequence[Span]:
        raise NotImplementedError

    async def traces(
        self, wanted: TraceFilter, after: TracePosition | None, limit: int
    ) -> Sequence[TraceSummary]:
        raise NotImplementedError

    async def logs(self, wanted: LogFilter, after: LogPosition | None, limit: int) -> Sequence[LogEntry]:
        raise NotImplementedError


def prune(store: FakeStore) -> PruneTelemetry:
    return PruneTelemetry(store, KEEP, now_ns=lambda: NOW)


async def test_only_what_is_over_age_goes() -> None:
    store = FakeStore(
        traces_kept=[(NOW - 101 * SECOND, 1), (NOW - 99 * SECOND, 1)],
        logs_kept=[(NOW - 51 * SECOND, 1), (NOW - 49 * SECOND, 1)],
    )

    assert await prune(store)() == 2

    assert store.traces_kept == [(NOW - 99 * SECOND, 1)]
    assert store.logs_kept == [(NOW - 49 * SECOND, 1)]


async def test_the_oldest_go_until_the_rest_fits() -> None:
    store = FakeStore(traces_kept=[(NOW, 10) for _ in range(900)], logs_kept=[(NOW, 1)])

    await prune(store)()

    assert await store.size_bytes(Signal.SPANS) <= 1000
    assert store.logs_kept == [(NOW, 1)]
    assert max(store.steps) <= 200


async def test_a_great_many_go_in_small_steps() -> None:
    store = FakeStore(traces_kept=[(0, 1) for _ in range(1001)])

    assert await prune(store)() == 1001

    assert max(store.steps) == 200


async def test_an_empty_store_is_left_alone() -> None:
    assert await prune(FakeStore())() == 0


async def test_a_store_that_is_away_is_pruned_in_the_next_round() -> None:
    store = FakeStore(traces_kept=[(0, 1)], failures=[UpstreamUnavailable(service="database")])
    pruner = prune(store)

    task = asyncio.create_task(pruner.run(0.001))
    async with asyncio.timeout(60):
        while store.traces_kept:
            await asyncio.sleep(0.001)
    task.cancel()

    assert store.traces_kept == []
