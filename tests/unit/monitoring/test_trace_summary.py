"""Summaries kept up to date while spans arrive in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from shelfcast_monitoring.domain.span import Span, SpanKind, SpanStatus
from shelfcast_monitoring.domain.trace_summary import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence


def span(number: int, start_ns: int, length_ns: int, status: SpanStatus) -> Span:
    return Span(
        trace_id="ab" * 16,
        span_id=f"{number:016x}",
        parent_span_id="",
        service=f"service-{number}",
        name=f"step {number}",
        kind=SpanKind.INTERNAL,
        status=status,
        status_message="",
        start_ns=start_ns,
        end_ns=start_ns + length_ns,
        tenant="",
        attributes={"key": "value"},
        linked_trace_ids=(),
    )


SPANS = st.lists(
    st.builds(
        span,
        st.integers(0, 1000),
        st.integers(0, 5),
        st.integers(0, 9),
        st.sampled_from(list(SpanStatus)),
    ),
    min_size=1,
    unique_by=lambda one: one.span_id,
)


@given(spans=SPANS, cut=st.integers(0, 20), data=st.data())
def test_neither_order_nor_grouping_of_arrivals_matters(
    spans: Sequence[Span], cut: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(spans))
    parts = [part for part in (shuffled[:cut], shuffled[cut:]) if part]
    merged = summarise(parts[0]) if len(parts) == 1 else summarise(parts[0]).merged(summarise(parts[1]))

    assert merged == summarise(spans)


@given(spans=SPANS)
def test_a_summary_holds_the_extremes_and_sums(spans: Sequence[Span]) -> None:
    first = min(spans, key=lambda one: one.order)

    summary = summarise(spans)

    assert (summary.name, summary.service, summary.start_ns) == (first.name, first.service, first.start_ns)
    assert summary.duration_ns == max(one.end_ns for one in spans) - first.start_ns
    assert summary.span_count == len(spans)
    assert summary.error_count == sum(one.status is SpanStatus.ERROR for one in spans)
    assert summary.size_bytes == sum(one.size_bytes for one in spans)
