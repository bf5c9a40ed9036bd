"""The telemetry store on SQLite, MySQL or MariaDB."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from shelfcast_servicekit.deadline import deadline_within
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.transact import Transactor
from sqlalchemy.exc import DBAPIError

from shelfcast_monitoring.adapters.sql.telemetry_tx import TelemetryTx
from shelfcast_monitoring.errors import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Engine

    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.domain.trace_summary import TraceSummary
    from shelfcast_monitoring.ports import (
        Dropped,
        LogFilter,
        LogPosition,
        Signal,
        Tenant,
        TraceFilter,
        TracePosition,
    )

T = TypeVar("T")

READERS: Final = 2
POOL_SIZE: Final = READERS + 1
WRITE_SECONDS: Final = 10.0
MAX_SPANS_PER_TRACE: Final = 10_000


class SqlTelemetryStore:
    """Spans and log records in SQL; one thread writes, others read."""

    def __init__(
        self,
        engine: Engine,
        *,
        max_spans_per_trace: int = MAX_SPANS_PER_TRACE,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep telemetry in the database of `engine`, whose pool holds `POOL_SIZE` connections or more."""
        self._engine = engine
        self._most = max_spans_per_trace
        self._now_ns = now_ns
        self._writer = BlockingExecutor("telemetry-writer", 1)
        self._readers = BlockingExecutor("telemetry-reader", READERS)
        self._write_tx = Transactor(engine, self._writer, TelemetryTx)
        self._read_tx = Transactor(engine, self._readers, TelemetryTx)

    async def add_spans(self, open_spans: Callable[[], Sequence[Span]]) -> int:
        """Keep spans and give how many were new. Raises: as the port says."""

        def work(tx: TelemetryTx) -> int:
            return tx.add_spans(open_spans(), self._now_ns(), self._most)

        return await self._write(work)

    async def add_logs(self, open_logs: Callable[[], Sequence[LogEntry]]) -> int:
        """Keep log records and give how many there were. Raises: as the port says."""

        def work(tx: TelemetryTx) -> int:
            return tx.add_logs(open_logs(), self._now_ns())

        return await self._write(work)

    async def spans_of(self, trace_id: str, tenant: Tenant, limit: int) -> Sequence[Span]:
        """Give the first spans of a trace that the tenant may see."""
        return await self._read_tx.read(lambda tx: tx.spans_of(trace_id, tenant, limit))

    async def traces(
        self, wanted: TraceFilter, after: TracePosition | None, limit: int
    ) -> Sequence[TraceSummary]:
        """Give summaries, newest first."""
        return await self._read_tx.read(lambda tx: tx.traces(wanted, after, limit, self._most))

    async def logs(self, wanted: LogFilter, after: LogPosition | None, limit: int) -> Sequence[LogEntry]:
        """Give log records, newest first."""
        return await self._read_tx.read(lambda tx: tx.logs(wanted, after, limit))

    async def size_bytes(self, signal: Signal) -> int:
        """Give about how much room all spans or all log records take."""
        with deadline_within(WRITE_SECONDS):
            return await self._read_tx.read(lambda tx: tx.size_bytes(signal))

    async def drop_traces(self, limit: int, received_before_ns: int | None) -> Dropped:
        """Take away the traces heard of longest ago. Raises: as the port says."""
        return await self._write(
            partial(TelemetryTx.drop_traces, limit=limit, received_before_ns=received_before_ns)
        )

    async def drop_logs(self, limit: int, received_before_ns: int | None) -> Dropped:
        """Take away the oldest log records. Raises: as the port says."""
        return await self._write(
            partial(TelemetryTx.drop_logs, limit=limit, received_before_ns=received_before_ns)
        )

    async def _write(self, work: Callable[[TelemetryTx], T]) -> T:
        try:
            with deadline_within(WRITE_SECONDS):
                return await self._write_tx.transact(work)
        except DBAPIError as error:
            raise StoreRefused from error

    def close(self) -> None:
        """End the threads and close the connections."""
        self._writer.close()
        self._readers.close()
        self._engine.dispose()
