"""Read traces and log records."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from shelfcast_monitoring.domain.trace import build_trace
from shelfcast_monitoring.errors import TraceNotFound
from shelfcast_monitoring.ports import LogPosition, TracePosition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.trace import Trace
    from shelfcast_monitoring.domain.trace_summary import TraceSummary
    from shelfcast_monitoring.ports import LogFilter, TelemetryStore, Tenant, TraceFilter

Line = TypeVar("Line")
Position = TypeVar("Position")

MOST_PAGE_BYTES: Final = 3 * 1024 * 1024
"""Log records on one page; a page of long records is shorter than asked for."""
MOST_SPANS: Final = 2000
"""Spans of one trace in one reply, the first ones; more do not fit into a message."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Line, Position]):
    """One page of a list."""

    lines: Sequence[Line]
    """What is on it."""
    next_after: Position | None
    """Where the next page begins; None at the end."""


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """Gives one trace as a tree."""

    store: TelemetryStore
    """Where spans are kept."""

    async def __call__(self, trace_id: str, tenant: Tenant) -> Trace:
        """Give the tree of what the tenant may see. Raises: TraceNotFound when that is nothing."""
        spans = await self.store.spans_of(trace_id, tenant, MOST_SPANS)
        if not spans:
            raise TraceNotFound(trace_id=trace_id)
        return build_trace(trace_id, spans)


@dataclass(frozen=True, slots=True)
class ListTraces:
    """Gives traces page by page, newest first."""

    store: TelemetryStore
    """Where summaries are kept."""

    async def __call__(
        self, wanted: TraceFilter, after: TracePosition | None, page_size: int
    ) -> Page[TraceSummary, TracePosition]:
        """Give the page that begins after a position; None is the first page."""
        found = await self.store.traces(wanted, after, page_size + 1)
        lines = found[:page_size]
        if len(found) <= page_size:
            return Page(lines, None)
        return Page(lines, TracePosition(lines[-1].start_ns, lines[-1].trace_id))


@dataclass(frozen=True, slots=True)
class ListLogs:
    """Gives log records page by page, newest first."""

    store: TelemetryStore
    """Where log records are kept."""

    async def __call__(
        self, wanted: LogFilter, after: LogPosition | None, page_size: int
    ) -> Page[LogEntry, LogPosition]:
        """Give the page that begins after a position; None is the first page."""
        found = await self.store.logs(wanted, after, page_size + 1)
        lines = _fitting(found[:page_size])
        if len(lines) == len(found):
            return Page(lines, None)
        return Page(lines, LogPosition(lines[-1].recorded_ns, lines[-1].log_id))


def _fitting(entries: Sequence[LogEntry]) -> Sequence[LogEntry]:
    """Give the first records that fit on a page, at least one."""
    sums = accumulate(entry.size_bytes for entry in entries)
    count = sum(total <= MOST_PAGE_BYTES for total in sums)
    return entries[: max(1, count)]
