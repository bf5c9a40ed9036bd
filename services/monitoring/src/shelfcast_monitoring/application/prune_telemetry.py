"""Take away telemetry that is too old or too much."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import DeadlineExceeded, UpstreamUnavailable

from shelfcast_monitoring.errors import StoreRefused
from shelfcast_monitoring.ports import Signal

if TYPE_CHECKING:
    from shelfcast_monitoring.ports import Dropped, TelemetryStore

TRACES_A_STEP: Final = 200
LOGS_A_STEP: Final = 2000
_NS: Final = 1_000_000_000

_LOG: Final = logging.getLogger("shelfcast.monitoring.prune")

Drop = Callable[[int, int | None], Awaitable["Dropped"]]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much is kept."""

    trace_seconds: float
    """Age of a trace, counted from when it was last heard of."""
    log_seconds: float
    """Age of a log record, counted from when it was received."""
    trace_bytes: int
    """Room of all traces."""
    log_bytes: int
    """Room of all log records."""


class PruneTelemetry:
    """Takes away in small steps, so that no lock is held for long."""

    def __init__(
        self,
        store: TelemetryStore,
        retention: Retention,
        *,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Prune `store` by `retention`."""
        self._store = store
        self._retention = retention
        self._now_ns = now_ns

    async def __call__(self) -> int:
        """Take away what is over age, then what is over size; give how many traces and log records went."""
        keep, store = self._retention, self._store
        count = await self._drop_old(store.drop_traces, TRACES_A_STEP, keep.trace_seconds)
        count += await self._drop_old(store.drop_logs, LOGS_A_STEP, keep.log_seconds)
        trace_bytes = await store.size_bytes(Signal.SPANS)
        count += await _drop_excess(store.drop_traces, TRACES_A_STEP, trace_bytes - keep.trace_bytes)
        log_bytes = await store.size_bytes(Signal.LOGS)
        return count + await _drop_excess(store.drop_logs, LOGS_A_STEP, log_bytes - keep.log_bytes)

    async def _drop_old(self, drop: Drop, step: int, age_seconds: float) -> int:
        before_ns = self._now_ns() - round(age_seconds * _NS)
        total = 0
        while True:
            count = (await drop(step, before_ns)).count
            total += count
            if count < step:
                return total

    async def run(self, every_seconds: float) -> None:
        """Prune again and again until cancelled; a background task of the service."""
        while True:
            try:
                count = await self()
            except (UpstreamUnavailable, DeadlineExceeded, StoreRefused):
                _LOG.warning("telemetry was not pruned; the next round tries again")
            else:
                _LOG.debug("pruned %s traces and log records", count)
            await asyncio.sleep(every_seconds)


async def _drop_excess(drop: Drop, step: int, excess_bytes: int) -> int:
    total = 0
    while excess_bytes > 0:
        dropped = await drop(step, None)
        if not dropped.count:
            break
        total += dropped.count
        excess_bytes -= dropped.size_bytes
    return total
