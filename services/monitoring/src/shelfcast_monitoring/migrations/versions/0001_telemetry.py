"""Create the tables of spans, traces and log records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _create_spans()
    _create_traces()
    _create_logs()


def _word(length: int) -> sa.String:
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(exact, "mysql", "mariadb")


def _text() -> sa.Text:
    exact = mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin")
    return sa.Text().with_variant(exact, "mysql", "mariadb")


def _create_spans() -> None:
    op.create_table(
        "monitoring_spans",
        sa.Column("trace_id", _word(32), primary_key=True),
        sa.Column("span_id", _word(16), primary_key=True),
        sa.Column("parent_span_id", _word(16), nullable=False),
        sa.Column("service", _word(128), nullable=False),
        sa.Column("name", _word(255), nullable=False),
        sa.Column("kind", _word(16), nullable=False),
        sa.Column("status", _word(16), nullable=False),
        sa.Column("status_message", _word(1024), nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("tenant", _word(128), nullable=False),
        sa.Column("attributes", _text(), nullable=False),
        sa.Column("linked_trace_ids", _text(), nullable=False),
    )


def _create_traces() -> None:
    op.create_table(
        "monitoring_traces",
        sa.Column("trace_id", _word(32), primary_key=True),
        sa.Column("first_span_id", _word(16), nullable=False),
        sa.Column("name", _word(255), nullable=False),
        sa.Column("service", _word(128), nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("span_count", sa.Integer, nullable=False),
        sa.Column("error_count", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("received_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_monitoring_traces_start", "monitoring_traces", ["start_ns", "trace_id"])
    op.create_index("ix_monitoring_traces_received", "monitoring_traces", ["received_ns", "trace_id"])
    op.create_table(
        "monitoring_trace_marks",
        sa.Column("kind", _word(16), primary_key=True),
        sa.Column("value", _word(128), primary_key=True),
        sa.Column("trace_id", _word(32), primary_key=True),
    )
    op.create_index("ix_monitoring_trace_marks_trace", "monitoring_trace_marks", ["trace_id", "kind"])


def _create_logs() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "monitoring_logs",
        sa.Column("log_id", number, primary_key=True, autoincrement=True),
        sa.Column("recorded_ns", sa.BigInteger, nullable=False),
        sa.Column("received_ns", sa.BigInteger, nullable=False),
        sa.Column("service", _word(128), nullable=False),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("body", _text(), nullable=False),
        sa.Column("trace_id", _word(32), nullable=False),
        sa.Column("span_id", _word(16), nullable=False),
        sa.Column("tenant", _word(128), nullable=False),
        sa.Column("attributes", _text(), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
    )
    op.create_index("ix_monitoring_logs_recorded", "monitoring_logs", ["recorded_ns", "log_id"])
    op.create_index("ix_monitoring_logs_received", "monitoring_logs", ["received_ns", "log_id"])
    op.create_index("ix_monitoring_logs_trace", "monitoring_logs", ["trace_id", "recorded_ns"])
    op.create_index("ix_monitoring_logs_service", "monitoring_logs", ["service", "recorded_ns"])
