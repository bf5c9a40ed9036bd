"""Log records as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import and_, delete, func, insert, or_, select

from shelfcast_monitoring.adapters.sql.schema import LOGS, TENANT_MARK
from shelfcast_monitoring.adapters.sql.statement import chunks
from shelfcast_monitoring.adapters.sql.summary_rows import is_marked
from shelfcast_monitoring.domain.log_entry import LogEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping
    from sqlalchemy.engine import Connection

    from shelfcast_monitoring.ports import LogFilter, LogPosition


def insert_logs(connection: Connection, entries: Sequence[LogEntry], received_ns: int) -> None:
    """Store log records."""
    rows = [_row(entry) | {"received_ns": received_ns} for entry in entries]
    if rows:
        connection.execute(insert(LOGS), rows)


def list_logs(
    connection: Connection, wanted: LogFilter, after: LogPosition | None, limit: int
) -> list[LogEntry]:
    """Give log records, newest first, that the filter lets through."""
    query = select(LOGS)
    if wanted.tenant:
        in_own_trace = and_(LOGS.c.tenant == "", is_marked(LOGS.c.trace_id, TENANT_MARK, wanted.tenant))
        query = query.where(or_(LOGS.c.tenant == wanted.tenant, in_own_trace))
    if wanted.trace_id:
        query = query.where(LOGS.c.trace_id == wanted.trace_id)
    if wanted.service:
        query = query.where(LOGS.c.service == wanted.service)
    if wanted.min_severity:
        query = query.where(LOGS.c.severity >= wanted.min_severity)
    if after is not None:
        same = and_(LOGS.c.recorded_ns == after.recorded_ns, LOGS.c.log_id < after.log_id)
        query = query.where(or_(LOGS.c.recorded_ns < after.recorded_ns, same))
    query = query.order_by(LOGS.c.recorded_ns.desc(), LOGS.c.log_id.desc()).limit(limit)
    return [_entry(row) for row in connection.execute(query).mappings()]


def total_bytes(connection: Connection) -> int:
    """Give about how much room all log records take."""
    return int(connection.execute(select(func.coalesce(func.sum(LOGS.c.size_bytes), 0))).scalar_one())


def delete_oldest(connection: Connection, limit: int, received_before_ns: int | None) -> list[int]:
    """Take away the oldest log records; give the size of each."""
    query = select(LOGS.c.log_id, LOGS.c.size_bytes)
    if received_before_ns is not None:
        query = query.where(LOGS.c.received_ns < received_before_ns)
    rows = connection.execute(query.order_by(LOGS.c.received_ns, LOGS.c.log_id).limit(limit)).all()
    for part in chunks([row.log_id for row in rows]):
        connection.execute(delete(LOGS).where(LOGS.c.log_id.in_(part)))
    return [row.size_bytes for row in rows]


def _row(entry: LogEntry) -> dict[str, object]:
    return {
        "recorded_ns": entry.recorded_ns,
        "service": entry.service,
        "severity": entry.severity,
        "body": entry.body,
        "trace_id": entry.trace_id,
        "span_id": entry.span_id,
        "tenant": entry.tenant,
        "attributes": orjson.dumps(dict(entry.attributes)).decode(),
        "size_bytes": entry.size_bytes,
    }


def _entry(row: RowMapping) -> LogEntry:
    return LogEntry(
        recorded_ns=row["recorded_ns"],
        service=row["service"],
        severity=row["severity"],
        body=row["body"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        tenant=row["tenant"],
        attributes=orjson.loads(row["attributes"]),
        log_id=row["log_id"],
    )
