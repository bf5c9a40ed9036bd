"""All spans of one request as a tree, whatever the spans say about one another."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shelfcast_monitoring.domain.span import Span

DEEPEST: Final = 64
"""Levels of a tree; deeper spans stand beside the deepest, because protobuf readers stop at 100 levels."""


@dataclass(frozen=True, slots=True)
class SpanNode:
    """One span and the steps inside it, in the order of their beginnings."""

    span: Span
    """The span."""
    parent_span_id: str
    """Id of its parent; empty where the parent is not in the trace or the two form a circle."""
    children: tuple[SpanNode, ...]
    """Steps inside it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One request over all services."""

    trace_id: str
    """Id, 32 hex digits."""
    start_ns: int
    """When its first span began."""
    end_ns: int
    """When its last span ended."""
    services: tuple[str, ...]
    """Services that took part, sorted."""
    span_count: int
    """Different spans in it."""
    error_count: int
    """Spans that ended in an error."""
    roots: tuple[SpanNode, ...]
    """Spans without a parent in the trace, in the order of their beginnings."""


def build_trace(trace_id: str, spans: Iterable[Span]) -> Trace:
    """Arrange the spans of one trace; every different span appears exactly once.

    A span sent twice counts once. A span whose parent is not there is a root. Where spans are one
    another's parents, the one that began first is a root. Raises: ValueError without spans.
    """
    by_id: dict[str, Span] = {}
    for span in sorted(spans, key=lambda span: span.order):
        by_id.setdefault(span.span_id, span)
    if not by_id:
        raise ValueError("a trace has at least one span")
    distinct = list(by_id.values())
    return Trace(
        trace_id=trace_id,
        start_ns=distinct[0].start_ns,
        end_ns=max(span.end_ns for span in distinct),
        services=tuple(sorted({span.service for span in distinct})),
        span_count=len(distinct),
        error_count=sum(span.is_error for span in distinct),
        roots=_grow(distinct, _parents(by_id)),
    )


def _parents(by_id: Mapping[str, Span]) -> dict[str, str]:
    """Give the parent of each span; "" for a root. Following it always ends at a root."""
    parents = {
        span_id: span.parent_span_id if span.parent_span_id in by_id else ""
        for span_id, span in by_id.items()
    }
    grounded: set[str] = set()
    for span_id in by_id:
        path = _climb(span_id, parents, grounded)
        if path and parents[path[-1]] in path:
            circle = path[path.index(parents[path[-1]]) :]
            parents[min(circle, key=lambda member: by_id[member].order)] = ""
        grounded.update(path)
    return parents


def _climb(span_id: str, parents: Mapping[str, str], grounded: set[str]) -> list[str]:
    """Give the way up from a span, until a root, a known way, or the first repetition."""
    path: dict[str, None] = {}
    while span_id and span_id not in grounded and span_id not in path:
        path[span_id] = None
        span_id = parents[span_id]
    return list(path)


def _grow(spans: Sequence[Span], parents: Mapping[str, str]) -> tuple[SpanNode, ...]:
    """Give the roots with their branches; works level by level, so that depth costs no stack."""
    inside: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        inside[parents[span.span_id]].append(span)
    shown: defaultdict[str, list[Span]] = defaultdict(list)
    levels: list[list[tuple[Span, str]]] = [[(root, "") for root in inside[""]]]
    order: list[Span] = []
    while levels[-1]:
        level = levels[-1]
        is_deepest = len(levels) >= DEEPEST
        below: list[tuple[Span, str]] = []
        for span, holder in level:
            shown[holder].append(span)
            order.append(span)
            below += [(child, holder if is_deepest else span.span_id) for child in inside[span.span_id]]
        levels.append(below)
    return _fold(order, shown, parents)


def _fold(
    order: Sequence[Span], shown: Mapping[str, list[Span]], parents: Mapping[str, str]
) -> tuple[SpanNode, ...]:
    """Make the nodes from the leaves up."""
    nodes: dict[str, SpanNode] = {}

    def held_by(holder: str) -> tuple[SpanNode, ...]:
        held = sorted(shown.get(holder, ()), key=lambda span: span.order)
        return tuple(nodes[span.span_id] for span in held)

    for span in reversed(order):
        nodes[span.span_id] = SpanNode(span, parents[span.span_id], held_by(span.span_id))
    return held_by("")
