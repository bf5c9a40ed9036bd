"""Tables of the monitoring service; times are nanoseconds since 1970 in UTC."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, String, Table, Text
from sqlalchemy.dialects import mysql

METADATA: Final = MetaData()

SERVICE_MARK: Final = "service"
TENANT_MARK: Final = "tenant"


def _word(length: int) -> String:
    """Give a text column that compares byte by byte in every store."""
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


def _text() -> Text:
    exact = mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin")
    return Text().with_variant(exact, "mysql", "mariadb")


def _number() -> BigInteger:
    """Give a growing number; SQLite counts up only a column of its own INTEGER type."""
    return BigInteger().with_variant(Integer(), "sqlite")


SPANS: Final = Table(
    "monitoring_spans",
    METADATA,
    Column("trace_id", _word(32), primary_key=True),
    Column("span_id", _word(16), primary_key=True),
    Column("parent_span_id", _word(16), nullable=False),
    Column("service", _word(128), nullable=False),
    Column("name", _word(255), nullable=False),
    Column("kind", _word(16), nullable=False),
    Column("status", _word(16), nullable=False),
    Column("status_message", _word(1024), nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("tenant", _word(128), nullable=False),
    Column("attributes", _text(), nullable=False),
    Column("linked_trace_ids", _text(), nullable=False),
)

TRACES: Final = Table(
    "monitoring_traces",
    METADATA,
    Column("trace_id", _word(32), primary_key=True),
    Column("first_span_id", _word(16), nullable=False),
    Column("name", _word(255), nullable=False),
    Column("service", _word(128), nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("span_count", Integer, nullable=False),
    Column("error_count", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Index("ix_monitoring_traces_start", "start_ns", "trace_id"),
    Index("ix_monitoring_traces_received", "received_ns", "trace_id"),
)

MARKS: Final = Table(
    "monitoring_trace_marks",
    METADATA,
    Column("kind", _word(16), primary_key=True),
    Column("value", _word(128), primary_key=True),
    Column("trace_id", _word(32), primary_key=True),
    Index("ix_monitoring_trace_marks_trace", "trace_id", "kind"),
)
"""Which services took part in a trace, and which tenants it worked for."""

LOGS: Final = Table(
    "monitoring_logs",
    METADATA,
    Column("log_id", _number(), primary_key=True, autoincrement=True),
    Column("recorded_ns", BigInteger, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("service", _word(128), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("body", _text(), nullable=False),
    Column("trace_id", _word(32), nullable=False),
    Column("span_id", _word(16), nullable=False),
    Column("tenant", _word(128), nullable=False),
    Column("attributes", _text(), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Index("ix_monitoring_logs_recorded", "recorded_ns", "log_id"),
    Index("ix_monitoring_logs_received", "received_ns", "log_id"),
    Index("ix_monitoring_logs_trace", "trace_id", "recorded_ns"),
    Index("ix_monitoring_logs_service", "service", "recorded_ns"),
)
