"""A trace in one line, kept up to date while its spans arrive in any order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shelfcast_monitoring.domain.span import Span


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """What a list says about a trace; times are nanoseconds since 1970 in UTC."""

    trace_id: str
    """Id, 32 hex digits."""
    first_span_id: str
    """Id of the span that began first."""
    name: str
    """Name of that span."""
    service: str
    """Service of that span."""
    start_ns: int
    """When it began."""
    end_ns: int
    """When the last span ended."""
    span_count: int
    """Different spans in it."""
    error_count: int
    """Spans that ended in an error."""
    size_bytes: int
    """About how much room its spans take in the store."""

    @property
    def duration_ns(self) -> int:
        """From the first beginning to the last end."""
        return self.end_ns - self.start_ns

    def merged(self, other: TraceSummary) -> TraceSummary:
        """Give the summary of both parts of a trace; neither order nor grouping of parts matters."""
        first = min(self, other, key=lambda part: (part.start_ns, part.first_span_id))
        return replace(
            first,
            end_ns=max(self.end_ns, other.end_ns),
            span_count=self.span_count + other.span_count,
            error_count=self.error_count + other.error_count,
            size_bytes=self.size_bytes + other.size_bytes,
        )


def summarise(spans: Iterable[Span]) -> TraceSummary:
    """Give the summary of different spans of one trace. Raises: TypeError without spans."""
    return reduce(TraceSummary.merged, map(_of_one, spans))


def _of_one(span: Span) -> TraceSummary:
    return TraceSummary(
        trace_id=span.trace_id,
        first_span_id=span.span_id,
        name=span.name,
        service=span.service,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        span_count=1,
        error_count=int(span.is_error),
        size_bytes=span.size_bytes,
    )
