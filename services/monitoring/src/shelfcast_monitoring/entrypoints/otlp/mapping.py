"""OTLP messages and the spans and log records that they stand for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from opentelemetry.proto.trace.v1 import trace_pb2

from shelfcast_monitoring.domain.log_entry import TENANT_ATTRIBUTES, LogEntry
from shelfcast_monitoring.domain.span import TENANT_ATTRIBUTE, Span, SpanKind, SpanStatus
from shelfcast_monitoring.domain.text_limit import (
    BODY_CHARACTERS,
    LINK_COUNT,
    MESSAGE_CHARACTERS,
    NAME_CHARACTERS,
    SERVICE_CHARACTERS,
    cut,
)
from shelfcast_monitoring.entrypoints.otlp.attribute_text import attributes_of, string_attribute, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

TRACE_ID_BYTES: Final = 16
SPAN_ID_BYTES: Final = 8
LATEST_NS: Final = 9_000_000_000_000_000_000
"""Latest instant that is taken, in the year 2255: beyond it the store's integers end."""
HIGHEST_SEVERITY: Final = 24
TENANT_CHARACTERS: Final = 128
UNNAMED: Final = "unknown_service"

_NO_TRACE: Final = bytes(TRACE_ID_BYTES)
_NO_SPAN: Final = bytes(SPAN_ID_BYTES)
_KINDS: Final = {
    trace_pb2.Span.SPAN_KIND_SERVER: SpanKind.SERVER,
    trace_pb2.Span.SPAN_KIND_CLIENT: SpanKind.CLIENT,
    trace_pb2.Span.SPAN_KIND_PRODUCER: SpanKind.PRODUCER,
    trace_pb2.Span.SPAN_KIND_CONSUMER: SpanKind.CONSUMER,
}
_STATUSES: Final = {
    trace_pb2.Status.STATUS_CODE_OK: SpanStatus.OK,
    trace_pb2.Status.STATUS_CODE_ERROR: SpanStatus.ERROR,
}


def is_valid_span(span: trace_pb2.Span) -> bool:
    """Say whether a span names itself and its time, so that it can be kept.

    Source: opentelemetry/proto/trace/v1/trace.proto, `trace_id`, `span_id`, `start_time_unix_nano`.
    """
    return (
        is_valid_id(span.trace_id, _NO_TRACE)
        and is_valid_id(span.span_id, _NO_SPAN)
        and 0 < span.start_time_unix_nano <= LATEST_NS
    )


def is_valid_id(value: bytes, none: bytes) -> bool:
    """Say whether an id has its length and is not all zeros."""
    return len(value) == len(none) and value != none


def service_of(resource: Resource) -> str:
    """Give the name of the sending service."""
    return string_attribute(resource.attributes, "service.name", SERVICE_CHARACTERS) or UNNAMED


def spans_from_proto(service: str, spans: Sequence[trace_pb2.Span]) -> list[Span]:
    """Give the valid ones among the spans that a service sent, cut to the limits."""
    return [span_from_proto(service, span) for span in spans if is_valid_span(span)]


def span_from_proto(service: str, span: trace_pb2.Span) -> Span:
    """Give the span that a valid message stands for."""
    links = (link.trace_id for link in span.links[:LINK_COUNT])
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() if is_valid_id(span.parent_span_id, _NO_SPAN) else "",
        service=service,
        name=cut(span.name, NAME_CHARACTERS),
        kind=_KINDS.get(span.kind, SpanKind.INTERNAL),
        status=_STATUSES.get(span.status.code, SpanStatus.UNSET),
        status_message=cut(span.status.message, MESSAGE_CHARACTERS),
        start_ns=span.start_time_unix_nano,
        end_ns=min(max(span.start_time_unix_nano, span.end_time_unix_nano), LATEST_NS),
        tenant=string_attribute(span.attributes, TENANT_ATTRIBUTE, TENANT_CHARACTERS),
        attributes=attributes_of(span.attributes),
        linked_trace_ids=tuple(link.hex() for link in links if is_valid_id(link, _NO_TRACE)),
    )


def logs_from_proto(service: str, records: Sequence[LogRecord]) -> list[LogEntry]:
    """Give the log records that a service sent, cut to the limits."""
    now_ns = time.time_ns()
    return [log_from_proto(service, record, now_ns) for record in records]


def log_from_proto(service: str, record: LogRecord, now_ns: int) -> LogEntry:
    """Give the log record that a message stands for; one without a time was written now."""
    recorded_ns = record.time_unix_nano or record.observed_time_unix_nano
    tenants = (string_attribute(record.attributes, key, TENANT_CHARACTERS) for key in TENANT_ATTRIBUTES)
    return LogEntry(
        recorded_ns=recorded_ns if 0 < recorded_ns <= LATEST_NS else now_ns,
        service=service,
        severity=min(max(record.severity_number, 0), HIGHEST_SEVERITY),
        body=cut(text_of(record.body), BODY_CHARACTERS),
        trace_id=record.trace_id.hex() if is_valid_id(record.trace_id, _NO_TRACE) else "",
        span_id=record.span_id.hex() if is_valid_id(record.span_id, _NO_SPAN) else "",
        tenant=next(filter(None, tenants), ""),
        attributes=attributes_of(record.attributes),
    )
