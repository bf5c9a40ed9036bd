"""Traces as trees, whatever their spans say about one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_monitoring.domain.span import Span, SpanKind, SpanStatus
from shelfcast_monitoring.domain.trace import DEEPEST, SpanNode, build_trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TRACE = "ab" * 16


def span(span_id: str, parent: str = "", start_ns: int = 0, **changed: object) -> Span:
    fields: dict[str, object] = {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": parent,
        "service": "shelfcast-gateway",
        "name": span_id,
        "kind": SpanKind.INTERNAL,
        "status": SpanStatus.UNSET,
        "status_message": "",
        "start_ns": start_ns,
        "end_ns": start_ns + 10,
        "tenant": "",
        "attributes": {},
        "linked_trace_ids": (),
    }
    return Span(**(fields | changed))  # type: ignore[arg-type]  # the test names the fields


def shape(nodes: Iterable[SpanNode]) -> dict[str, object]:
    """Give a tree as nested dictionaries of span ids."""
    return {node.span.span_id: shape(node.children) for node in nodes}


def walk(nodes: Iterable[SpanNode]) -> Iterator[SpanNode]:
    for node in nodes:
        yield node
        yield from walk(node.children)


def test_a_request_is_a_tree_over_its_hops() -> None:
    spans = [
        span("sql", "data", 30, service="shelfcast-data"),
        span("redis", "gateway", 10),
        span("data", "gateway", 20, service="shelfcast-data", status=SpanStatus.ERROR),
        span("gateway", "", 0),
    ]

    trace = build_trace(TRACE, spans)

    assert shape(trace.roots) == {"gateway": {"redis": {}, "data": {"sql": {}}}}
    assert trace.services == ("shelfcast-data", "shelfcast-gateway")
    assert (trace.start_ns, trace.end_ns, trace.span_count, trace.error_count) == (0, 40, 4, 1)


def test_children_stand_in_the_order_of_their_beginnings() -> None:
    spans = [span("late", "root", 9), span("b", "root", 5), span("a", "root", 5), span("root")]

    trace = build_trace(TRACE, spans)

    assert [child.span.span_id for child in trace.roots[0].children] == ["a", "b", "late"]


def test_a_span_without_its_parent_is_a_root() -> None:
    trace = build_trace(TRACE, [span("orphan", "never-arrived", 5), span("root", "", 0)])

    assert shape(trace.roots) == {"root": {}, "orphan": {}}
    assert [node.parent_span_id for node in trace.roots] == ["", ""]


def test_a_span_sent_twice_counts_once() -> None:
    trace = build_trace(TRACE, [span("root"), span("call", "root", 3), span("call", "root", 3)])

    assert shape(trace.roots) == {"root": {"call": {}}}
    assert trace.span_count == 2


def test_a_span_that_is_its_own_parent_is_a_root() -> None:
    assert shape(build_trace(TRACE, [span("snake", "snake")]).roots) == {"snake": {}}


def test_a_circle_is_opened_at_its_first_span() -> None:
    spans = [span("a", "c", 3), span("b", "a", 1), span("c", "b", 2), span("tail", "a", 0)]

    trace = build_trace(TRACE, spans)

    assert shape(trace.roots) == {"b": {"c": {"a": {"tail": {}}}}}


def test_a_chain_of_ten_thousand_stays_readable() -> None:
    chain = [
        span(f"{number:016x}", f"{number - 1:016x}" if number else "", number) for number in range(10_000)
    ]

    trace = build_trace(TRACE, chain)

    depth, level = 0, trace.roots
    while level:
        depth, level = depth + 1, level[0].children
    assert depth == DEEPEST
    assert sum(1 for _ in walk(trace.roots)) == 10_000


def test_a_trace_without_spans_is_none() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        build_trace(TRACE, [])


IDS = st.sampled_from([f"{number:x}" for number in range(8)])
TANGLES = st.lists(st.builds(span, IDS, st.one_of(st.just(""), IDS), st.integers(0, 5)), min_size=1)


@given(spans=TANGLES)
def test_every_different_span_appears_exactly_once(spans: list[Span]) -> None:
    trace = build_trace(TRACE, spans)

    shown = [node.span.span_id for node in walk(trace.roots)]
    assert sorted(shown) == sorted({one.span_id for one in spans})
    assert trace.span_count == len(shown)


@given(spans=TANGLES)
def test_a_child_stands_under_the_parent_that_it_names(spans: list[Span]) -> None:
    trace = build_trace(TRACE, spans)

    for node in walk(trace.roots):
        for child in node.children:
            assert child.parent_span_id == node.span.span_id == child.span.parent_span_id
