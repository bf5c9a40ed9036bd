"""What is done to telemetry inside one transaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from shelfcast_monitoring.adapters.sql import log_rows, span_rows, summary_rows
from shelfcast_monitoring.adapters.sql.schema import TENANT_MARK
from shelfcast_monitoring.domain.trace_summary import summarise
from shelfcast_monitoring.ports import Dropped, Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.domain.trace_summary import TraceSummary
    from shelfcast_monitoring.ports import (
        LogFilter,
        LogPosition,
        Tenant,
        TraceFilter,
        TracePosition,
    )


class TelemetryTx:
    """Spans and log records on an open transaction; the Transactor ends it."""

    def __init__(self, connection: Connection) -> None:
        """Work on `connection`."""
        self.connection = connection

    def add_spans(self, spans: Iterable[Span], received_ns: int, most_per_trace: int) -> int:
        """Store new spans, bring summaries up to date, and give how many spans were new."""
        distinct = {(span.trace_id, span.span_id): span for span in spans}
        known = summary_rows.read_summaries(self.connection, sorted({key[0] for key in distinct}))
        open_keys = [key for key in distinct if key[0] in known]
        stored = span_rows.stored_keys(self.connection, open_keys)
        fresh = _by_trace(span for key, span in distinct.items() if key not in stored)
        kept = _within(fresh, known, most_per_trace)
        new = [span for part in kept.values() for span in part]
        span_rows.insert_spans(self.connection, new)
        summary_rows.insert_marks(self.connection, new)
        summaries = [_updated(known.get(trace_id), part) for trace_id, part in kept.items()]
        summary_rows.replace_summaries(self.connection, summaries, received_ns)
        return len(new)

    def add_logs(self, entries: Sequence[LogEntry], received_ns: int) -> int:
        """Store log records and give how many there were."""
        log_rows.insert_logs(self.connection, entries, received_ns)
        return len(entries)

    def spans_of(self, trace_id: str, tenant: Tenant, limit: int) -> list[Span]:
        """Give the first spans of a trace that the tenant may see."""
        if tenant and not self._is_of(trace_id, tenant):
            return []
        return span_rows.read_spans(self.connection, trace_id, tenant, limit)

    def _is_of(self, trace_id: str, tenant: Tenant) -> bool:
        return trace_id in summary_rows.marked_traces(self.connection, [trace_id], TENANT_MARK, tenant)

    def traces(
        self, wanted: TraceFilter, after: TracePosition | None, limit: int, most_per_trace: int
    ) -> list[TraceSummary]:
        """Give summaries, newest first, of what the tenant may see."""
        found = summary_rows.list_summaries(self.connection, wanted, after, limit)
        if not wanted.tenant:
            return found
        ids = [summary.trace_id for summary in found]
        shared = summary_rows.shared_traces(self.connection, ids, wanted.tenant)
        return [
            self._own_part(summary, wanted.tenant, most_per_trace) if summary.trace_id in shared else summary
            for summary in found
        ]

    def _own_part(self, whole: TraceSummary, tenant: Tenant, most: int) -> TraceSummary:
        """Give the summary of what one tenant may see; only the times are those of the whole trace.

        The times stay, because the next page begins after them.
        """
        part = summarise(span_rows.read_spans(self.connection, whole.trace_id, tenant, most))
        return replace(part, start_ns=whole.start_ns, end_ns=whole.end_ns)

    def logs(self, wanted: LogFilter, after: LogPosition | None, limit: int) -> list[LogEntry]:
        """Give log records, newest first."""
        return log_rows.list_logs(self.connection, wanted, after, limit)

    def size_bytes(self, signal: Signal) -> int:
        """Give about how much room spans or log records take."""
        if signal is Signal.LOGS:
            return log_rows.total_bytes(self.connection)
        return summary_rows.total_bytes(self.connection)

    def drop_traces(self, limit: int, received_before_ns: int | None) -> Dropped:
        """Take away the traces heard of longest ago."""
        sizes = summary_rows.delete_oldest(self.connection, limit, received_before_ns)
        return Dropped(len(sizes), sum(sizes))

    def drop_logs(self, limit: int, received_before_ns: int | None) -> Dropped:
        """Take away the oldest log records."""
        sizes = log_rows.delete_oldest(self.connection, limit, received_before_ns)
        return Dropped(len(sizes), sum(sizes))


def _by_trace(spans: Iterable[Span]) -> dict[str, list[Span]]:
    parts: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        parts[span.trace_id].append(span)
    return dict(parts)


def _within(
    fresh: Mapping[str, list[Span]], known: Mapping[str, TraceSummary], most: int
) -> dict[str, list[Span]]:
    """Give the spans that still have room in their traces."""
    room = {
        trace_id: max(0, most - (known[trace_id].span_count if trace_id in known else 0))
        for trace_id in fresh
    }
    return {trace_id: spans[: room[trace_id]] for trace_id, spans in fresh.items() if room[trace_id]}


def _updated(known: TraceSummary | None, spans: Sequence[Span]) -> TraceSummary:
    part = summarise(spans)
    return part if known is None else known.merged(part)
