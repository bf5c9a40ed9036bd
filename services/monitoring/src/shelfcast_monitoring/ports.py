"""What the monitoring service needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NewType, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shelfcast_monitoring.domain.health import Finding
    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.domain.trace_summary import TraceSummary

Tenant = NewType("Tenant", str)
"""Tenant whose telemetry is asked for; `EVERYONE` sees all of it."""

EVERYONE = Tenant("")
"""The operator: sees telemetry of all tenants, and what says no tenant."""


class Signal(StrEnum):
    """Kind of telemetry."""

    SPANS = "spans"
    LOGS = "logs"
    METRICS = "metrics"


class DropReason(StrEnum):
    """Why telemetry is not stored."""

    INVALID = "invalid"
    QUEUE_FULL = "queue_full"
    TOO_MANY = "too_many"
    STORE_REFUSED = "store_refused"
    NOT_KEPT = "not_kept"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces to list, newest first."""

    tenant: Tenant = EVERYONE
    """Whose traces: those in which one span at least names the tenant."""
    service: str = ""
    """Only traces that this service took part in; empty means all."""
    min_duration_ns: int = 0
    """Only traces that took at least this long."""
    only_errors: bool = False
    """Only traces with an error."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which log records to list, newest first."""

    tenant: Tenant = EVERYONE
    """Whose records: those that name the tenant, and those without one in its traces."""
    trace_id: str = ""
    """Only records of this trace; empty means all."""
    service: str = ""
    """Only records of this service; empty means all."""
    min_severity: int = 0
    """Only records of at least this severity number."""


@dataclass(frozen=True, slots=True)
class TracePosition:
    """The last trace of a page; the next page begins after it."""

    start_ns: int
    """When it began."""
    trace_id: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The last record of a page; the next page begins after it."""

    recorded_ns: int
    """When it was written."""
    log_id: int
    """Its number in the store."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one pruning step took away."""

    count: int
    """Traces or log records."""
    size_bytes: int
    """About how much room they took."""


class TelemetryStore(Protocol):
    """Keeps spans and log records.

    What is added is opened on the store's own thread, so that reading a large batch holds up nobody.
    Every method raises UpstreamUnavailable or DeadlineExceeded when a repeat may help; those that change
    something raise StoreRefused when it will not.
    """

    async def add_spans(self, open_spans: Callable[[], Sequence[Span]]) -> int:
        """Keep spans and give how many were new; a span that is there already changes nothing.

        Spans past the largest size of a trace are left out.
        """

    async def add_logs(self, open_logs: Callable[[], Sequence[LogEntry]]) -> int:
        """Keep log records and give how many there were."""

    async def spans_of(self, trace_id: str, tenant: Tenant, limit: int) -> Sequence[Span]:
        """Give the first spans of a trace that the tenant may see; none when the trace is not its own."""

    async def traces(
        self, wanted: TraceFilter, after: TracePosition | None, limit: int
    ) -> Sequence[TraceSummary]:
        """Give summaries, newest first, of what the tenant may see."""

    async def logs(self, wanted: LogFilter, after: LogPosition | None, limit: int) -> Sequence[LogEntry]:
        """Give log records, newest first."""

    async def size_bytes(self, signal: Signal) -> int:
        """Give about how much room all spans or all log records take."""

    async def drop_traces(self, limit: int, received_before_ns: int | None) -> Dropped:
        """Take away the traces that were heard of longest ago, at most `limit`; None means of any age."""

    async def drop_logs(self, limit: int, received_before_ns: int | None) -> Dropped:
        """Take away the oldest log records, at most `limit`; None means of any age."""


class IntakeMeter(Protocol):
    """Counts what the receiver does."""

    def received(self, signal: Signal, count: int) -> None:
        """Count what senders sent."""

    def stored(self, signal: Signal, count: int) -> None:
        """Count what was stored."""

    def dropped(self, signal: Signal, reason: DropReason, count: int) -> None:
        """Count what was not."""

    def queued(self, signal: Signal, count: int) -> None:
        """Say how much waits now."""


class Probe(Protocol):
    """Looks at the health of one service or store."""

    @property
    def service(self) -> str:
        """Name on the board."""

    async def look(self, timeout_seconds: float) -> Finding:
        """Give what it found within about the time; raises nothing else than TimeoutError."""
