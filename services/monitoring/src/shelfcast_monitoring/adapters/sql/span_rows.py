"""Spans as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import select, tuple_

from shelfcast_monitoring.adapters.sql.schema import SPANS
from shelfcast_monitoring.adapters.sql.statement import chunks, insert_new
from shelfcast_monitoring.domain.span import Span, SpanKind, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import RowMapping
    from sqlalchemy.engine import Connection

SpanKey = tuple[str, str]


def stored_keys(connection: Connection, keys: Sequence[SpanKey]) -> set[SpanKey]:
    """Give those of the (trace_id, span_id) pairs that are stored."""
    pair = tuple_(SPANS.c.trace_id, SPANS.c.span_id)
    found: set[SpanKey] = set()
    for part in chunks(keys):
        query = select(SPANS.c.trace_id, SPANS.c.span_id).where(pair.in_(part))
        found.update((row.trace_id, row.span_id) for row in connection.execute(query))
    return found


def insert_spans(connection: Connection, spans: Iterable[Span]) -> None:
    """Store spans; one that another writer stored meanwhile is left as it is."""
    rows = list(map(_row, spans))
    if rows:
        connection.execute(insert_new(SPANS), rows)


def read_spans(connection: Connection, trace_id: str, tenant: str, limit: int) -> list[Span]:
    """Give the first spans of a trace; with a tenant only its own and those without one."""
    query = select(SPANS).where(SPANS.c.trace_id == trace_id)
    if tenant:
        query = query.where(SPANS.c.tenant.in_(("", tenant)))
    query = query.order_by(SPANS.c.start_ns, SPANS.c.span_id).limit(limit)
    return [_span(row) for row in connection.execute(query).mappings()]


def _row(span: Span) -> dict[str, object]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "service": span.service,
        "name": span.name,
        "kind": span.kind.value,
        "status": span.status.value,
        "status_message": span.status_message,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "tenant": span.tenant,
        "attributes": orjson.dumps(dict(span.attributes)).decode(),
        "linked_trace_ids": orjson.dumps(span.linked_trace_ids).decode(),
    }


def _span(row: RowMapping) -> Span:
    return Span(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        service=row["service"],
        name=row["name"],
        kind=SpanKind(row["kind"]),
        status=SpanStatus(row["status"]),
        status_message=row["status_message"],
        start_ns=row["start_ns"],
        end_ns=row["end_ns"],
        tenant=row["tenant"],
        attributes=orjson.loads(row["attributes"]),
        linked_trace_ids=tuple(orjson.loads(row["linked_trace_ids"])),
    )
