"""The W3C trace header, written and read by hand because every call pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

if TYPE_CHECKING:
    from opentelemetry.trace import Span

METADATA_KEY: Final = "traceparent"

_LENGTH: Final = 55
_ROOT: Final = Context()


def traceparent_of(span: Span) -> str:
    """Give the header value that continues a span's trace; empty for a span that is not valid."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def span_context_of(header: str) -> SpanContext | None:
    """Give the remote span named by a header, or None when the header is malformed.

    Source: W3C Trace Context, section 3.2 (version 00).
    """
    if len(header) != _LENGTH or header[2] != "-" or header[35] != "-" or header[52] != "-":
        return None
    try:
        trace_id, span_id = int(header[3:35], 16), int(header[36:52], 16)
        flags = TraceFlags(int(header[53:55], 16))
    except ValueError:
        return None
    remote = SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)
    return remote if remote.is_valid else None


def parent_context(header: str) -> Context:
    """Give the context whose current span is the caller's; the root context when there is none."""
    remote = span_context_of(header) if header else None
    return _ROOT if remote is None else trace.set_span_in_context(NonRecordingSpan(remote), _ROOT)


def current_trace_id() -> str:
    """Give the id of the current trace as 32 hex digits; empty when there is none."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def current_traceparent() -> str:
    """Give the header value that continues the current trace; empty when there is none."""
    return traceparent_of(trace.get_current_span())
