"""The W3C header, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from shelfcast_servicekit.traceparent import parent_context, span_context_of, traceparent_of


@given(
    st.integers(min_value=1, max_value=2**128 - 1),
    st.integers(min_value=1, max_value=2**64 - 1),
    st.integers(min_value=0, max_value=255),
)
def test_what_is_written_is_read(trace_id: int, span_id: int, flags: int) -> None:
    context = SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags))

    read = span_context_of(traceparent_of(NonRecordingSpan(context)))

    assert read is not None
    assert (read.trace_id, read.span_id, read.trace_flags) == (trace_id, span_id, flags)
    assert read.is_remote


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-zaf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ],
)
def test_a_malformed_header_begins_a_new_trace(header: str) -> None:
    assert span_context_of(header) is None
    assert trace.get_current_span(parent_context(header)) is trace.INVALID_SPAN


def test_a_span_that_is_not_valid_has_no_header() -> None:
    assert traceparent_of(trace.INVALID_SPAN) == ""
