"""Summaries of traces as rows, with the marks that traces are found by."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, exists, func, insert, or_, select

from shelfcast_monitoring.adapters.sql.schema import MARKS, SERVICE_MARK, SPANS, TENANT_MARK, TRACES
from shelfcast_monitoring.adapters.sql.statement import chunks, insert_new
from shelfcast_monitoring.domain.trace_summary import TraceSummary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.engine import Connection

    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.ports import TraceFilter, TracePosition

_FIELDS: Final = tuple(field.name for field in fields(TraceSummary))


def read_summaries(connection: Connection, trace_ids: Sequence[str]) -> dict[str, TraceSummary]:
    """Give the stored summaries of the named traces."""
    found: dict[str, TraceSummary] = {}
    for part in chunks(trace_ids):
        query = select(TRACES).where(TRACES.c.trace_id.in_(part))
        found |= {row["trace_id"]: _summary(row) for row in connection.execute(query).mappings()}
    return found


def replace_summaries(connection: Connection, summaries: Collection[TraceSummary], received_ns: int) -> None:
    """Store summaries in the place of those that stood there."""
    for part in chunks([summary.trace_id for summary in summaries]):
        connection.execute(delete(TRACES).where(TRACES.c.trace_id.in_(part)))
    rows = [
        {name: getattr(summary, name) for name in _FIELDS} | {"received_ns": received_ns}
        for summary in summaries
    ]
    if rows:
        connection.execute(insert(TRACES), rows)


def insert_marks(connection: Connection, spans: Iterable[Span]) -> None:
    """Store which services and tenants the spans name."""
    marks = {(SERVICE_MARK, span.service, span.trace_id) for span in spans}
    marks |= {(TENANT_MARK, span.tenant, span.trace_id) for span in spans if span.tenant}
    rows = [{"kind": kind, "value": value, "trace_id": trace_id} for kind, value, trace_id in sorted(marks)]
    if rows:
        connection.execute(insert_new(MARKS), rows)


def marked_traces(connection: Connection, trace_ids: Sequence[str], kind: str, value: str) -> set[str]:
    """Give those of the traces that name a service or tenant."""
    found: set[str] = set()
    for part in chunks(trace_ids):
        query = select(MARKS.c.trace_id).where(
            MARKS.c.trace_id.in_(part), MARKS.c.kind == kind, MARKS.c.value == value
        )
        found.update(connection.execute(query).scalars())
    return found


def is_marked(trace_id: ColumnElement[str], kind: str, value: str) -> ColumnElement[bool]:
    """Give the condition that a trace names a service or tenant."""
    marks = MARKS.alias()
    return exists().where(marks.c.trace_id == trace_id, marks.c.kind == kind, marks.c.value == value)


def list_summaries(
    connection: Connection, wanted: TraceFilter, after: TracePosition | None, limit: int
) -> list[TraceSummary]:
    """Give summaries, newest first, of traces that the filter lets through."""
    query = select(TRACES)
    if wanted.tenant:
        query = query.where(is_marked(TRACES.c.trace_id, TENANT_MARK, wanted.tenant))
    if wanted.service:
        query = query.where(is_marked(TRACES.c.trace_id, SERVICE_MARK, wanted.service))
    if wanted.min_duration_ns:
        query = query.where(TRACES.c.end_ns - TRACES.c.start_ns >= wanted.min_duration_ns)
    if wanted.only_errors:
        query = query.where(TRACES.c.error_count > 0)
    if after is not None:
        same = and_(TRACES.c.start_ns == after.start_ns, TRACES.c.trace_id < after.trace_id)
        query = query.where(or_(TRACES.c.start_ns < after.start_ns, same))
    query = query.order_by(TRACES.c.start_ns.desc(), TRACES.c.trace_id.desc()).limit(limit)
    return [_summary(row) for row in connection.execute(query).mappings()]


def shared_traces(connection: Connection, trace_ids: Sequence[str], tenant: str) -> set[str]:
    """Give those of the traces that worked for other tenants as well."""
    found: set[str] = set()
    for part in chunks(trace_ids):
        query = select(MARKS.c.trace_id).where(
            MARKS.c.trace_id.in_(part), MARKS.c.kind == TENANT_MARK, MARKS.c.value != tenant
        )
        found.update(connection.execute(query).scalars())
    return found


def total_bytes(connection: Connection) -> int:
    """Give about how much room all traces take."""
    return int(connection.execute(select(func.coalesce(func.sum(TRACES.c.size_bytes), 0))).scalar_one())


def delete_oldest(connection: Connection, limit: int, received_before_ns: int | None) -> list[int]:
    """Take away the traces heard of longest ago, with all their spans; give the size of each."""
    query = select(TRACES.c.trace_id, TRACES.c.size_bytes)
    if received_before_ns is not None:
        query = query.where(TRACES.c.received_ns < received_before_ns)
    rows = connection.execute(query.order_by(TRACES.c.received_ns, TRACES.c.trace_id).limit(limit)).all()
    for part in chunks([row.trace_id for row in rows]):
        for table in (SPANS, MARKS, TRACES):
            connection.execute(delete(table).where(table.c.trace_id.in_(part)))
    return [row.size_bytes for row in rows]


def _summary(row: RowMapping) -> TraceSummary:
    return TraceSummary(**{name: row[name] for name in _FIELDS})
