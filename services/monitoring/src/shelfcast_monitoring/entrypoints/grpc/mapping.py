"""Messages of the monitoring service and the values that they stand for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp
from shelfcast.monitoring.v1 import health_board_service_pb2 as board_pb
from shelfcast.monitoring.v1 import log_service_pb2 as log_pb
from shelfcast.monitoring.v1 import trace_pb2, trace_service_pb2
from shelfcast_servicekit.errors import Violation

from shelfcast_monitoring.domain.health import Health
from shelfcast_monitoring.domain.log_entry import least_severity, severity_word
from shelfcast_monitoring.domain.text_limit import LEFT_OUT, MESSAGE_CHARACTERS, cut
from shelfcast_monitoring.errors import DurationOutOfRange
from shelfcast_monitoring.ports import LogFilter, TraceFilter

if TYPE_CHECKING:
    from datetime import datetime

    from shelfcast_monitoring.domain.health import HealthBoard, HealthEntry
    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.domain.trace import SpanNode, Trace
    from shelfcast_monitoring.domain.trace_summary import TraceSummary
    from shelfcast_monitoring.ports import Tenant

NANOSECONDS: Final = 1_000_000_000
FULL_SPAN_BYTES: Final = 1536 * 1024
"""Room of the spans that a reply shows in full; gRPC clients refuse messages over 4 MiB by default."""
BRIEF_CHARACTERS: Final = 64
"""Characters of the name and message of further spans."""
LONGEST_SECONDS: Final = 1e9

_HEALTH: Final = {
    Health.UNKNOWN: board_pb.SERVICE_HEALTH_UNSPECIFIED,
    Health.SERVING: board_pb.SERVICE_HEALTH_SERVING,
    Health.NOT_SERVING: board_pb.SERVICE_HEALTH_NOT_SERVING,
    Health.UNREACHABLE: board_pb.SERVICE_HEALTH_UNREACHABLE,
}


def trace_filter_from_proto(request: trace_service_pb2.ListTracesRequest, tenant: Tenant) -> TraceFilter:
    """Give the filter in a request. Raises: DurationOutOfRange."""
    seconds = request.min_duration_seconds
    if not 0 <= seconds <= LONGEST_SECONDS:
        detail = f"min_duration_seconds is from 0 to {LONGEST_SECONDS:.0f}."
        raise DurationOutOfRange(violations=[Violation("/min_duration_seconds", detail, "double.range")])
    return TraceFilter(
        tenant=tenant,
        service=request.service,
        min_duration_ns=math.ceil(seconds * NANOSECONDS),
        only_errors=request.only_errors,
    )


def log_filter_from_proto(request: log_pb.ListLogsRequest, tenant: Tenant) -> LogFilter:
    """Give the filter in a request. Raises: SeverityUnknown."""
    return LogFilter(
        tenant=tenant,
        trace_id=request.trace_id,
        service=request.service,
        min_severity=least_severity(request.min_severity),
    )


def trace_to_proto(trace: Trace) -> trace_pb2.Trace:
    """Give the message of a trace."""
    writer = _SpanWriter(FULL_SPAN_BYTES)
    return trace_pb2.Trace(
        trace_id=trace.trace_id,
        started_at=_instant(trace.start_ns),
        duration_seconds=(trace.end_ns - trace.start_ns) / NANOSECONDS,
        span_count=trace.span_count,
        services=trace.services,
        error_count=trace.error_count,
        roots=[writer.write(node) for node in trace.roots],
    )


class _SpanWriter:
    """Writes spans in full until the room is used up; later ones come briefly and without attributes."""

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes

    def write(self, node: SpanNode) -> trace_pb2.Span:
        """Give the message of a span and what is inside it; the tree's depth is bounded."""
        span = node.span
        self._room_bytes -= span.size_bytes
        has_room = self._room_bytes >= 0
        longest = MESSAGE_CHARACTERS if has_room else BRIEF_CHARACTERS
        return trace_pb2.Span(
            span_id=span.span_id,
            parent_span_id=node.parent_span_id,
            service=span.service,
            name=cut(span.name, longest),
            kind=span.kind.value,
            status=span.status.value,
            status_message=cut(span.status_message, longest),
            started_at=_instant(span.start_ns),
            duration_seconds=(span.end_ns - span.start_ns) / NANOSECONDS,
            attributes=dict(span.attributes) if has_room else _left_out(span),
            linked_trace_ids=span.linked_trace_ids,
            children=[self.write(child) for child in node.children],
        )


def _left_out(span: Span) -> dict[str, str]:
    return {LEFT_OUT: str(len(span.attributes))} if span.attributes else {}


def summary_to_proto(summary: TraceSummary) -> trace_pb2.TraceSummary:
    """Give the message of a summary."""
    return trace_pb2.TraceSummary(
        trace_id=summary.trace_id,
        name=summary.name,
        service=summary.service,
        started_at=_instant(summary.start_ns),
        duration_seconds=summary.duration_ns / NANOSECONDS,
        span_count=summary.span_count,
        error_count=summary.error_count,
    )


def log_to_proto(entry: LogEntry) -> log_pb.LogRecord:
    """Give the message of a log record."""
    return log_pb.LogRecord(
        recorded_at=_instant(entry.recorded_ns),
        service=entry.service,
        severity=severity_word(entry.severity),
        body=entry.body,
        trace_id=entry.trace_id,
        span_id=entry.span_id,
        attributes=entry.attributes,
    )


def board_to_proto(board: HealthBoard) -> board_pb.HealthBoard:
    """Give the message of the board."""
    return board_pb.HealthBoard(is_healthy=board.is_healthy, entries=map(_entry_to_proto, board.entries))


def _entry_to_proto(entry: HealthEntry) -> board_pb.HealthEntry:
    return board_pb.HealthEntry(
        service=entry.service,
        health=_HEALTH[entry.finding.health],
        latency_seconds=entry.finding.latency_seconds,
        checked_at=_moment(entry.checked_at),
        since=_moment(entry.since),
        detail=entry.finding.detail,
    )


def _instant(nanoseconds: int) -> Timestamp:
    return Timestamp(seconds=nanoseconds // NANOSECONDS, nanos=nanoseconds % NANOSECONDS)


def _moment(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
