"""The table of jobs, which is the truth about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

from shelfcast_servicekit.sql_clock import UtcDateTime

if TYPE_CHECKING:
    from alembic.operations import Operations


def exact_text(length: int) -> String:
    """Give a text type that is compared byte by byte on both stores."""
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


def long_text() -> Text:
    """Give a text type without a practical limit."""
    return Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def job_table(metadata: MetaData, prefix: str = "") -> Table:
    """Give the table `<prefix>jobs` on a service's metadata."""
    name = f"{prefix}jobs"
    return Table(
        name,
        metadata,
        Column("job_id", exact_text(36), primary_key=True),
        Column("tenant", exact_text(128), nullable=False),
        Column("kind", exact_text(64), nullable=False),
        Column("status", exact_text(16), nullable=False),
        Column("phase", exact_text(64), nullable=False, default=""),
        Column("done_count", Float(53), nullable=False, default=0.0),
        Column("total_count", Float(53), nullable=False, default=0.0),
        Column("submitted_at", UtcDateTime, nullable=False),
        Column("pending_at", UtcDateTime, nullable=False),
        Column("run_after", UtcDateTime, nullable=False),
        Column("published_at", UtcDateTime),
        Column("started_at", UtcDateTime),
        Column("heartbeat_at", UtcDateTime),
        Column("lease_until", UtcDateTime),
        Column("completed_at", UtcDateTime),
        Column("submitted_by", exact_text(255), nullable=False),
        Column("attempt", Integer, nullable=False, default=0),
        Column("crash_count", Integer, nullable=False, default=0),
        Column("fence", BigInteger, nullable=False, default=0),
        Column("cancel_requested", Boolean, nullable=False, default=False),
        Column("idempotency_key", exact_text(255)),
        Column("input_digest", exact_text(64), nullable=False),
        Column("input", long_text(), nullable=False),
        Column("checkpoint", long_text()),
        Column("result", long_text()),
        Column("result_url", Text()),
        Column("error", long_text()),
        Column("trace_id", exact_text(32), nullable=False, default=""),
        Column("traceparent", exact_text(55), nullable=False, default=""),
        UniqueConstraint("tenant", "kind", "idempotency_key", name=f"uq_{name}_idempotency"),
        Index(f"ix_{name}_newest", "tenant", "submitted_at", "job_id"),
        Index(f"ix_{name}_waiting", "status", "pending_at"),
    )


def create_job_table(op: Operations, prefix: str = "") -> None:
    """Create the table in an Alembic revision; pass `alembic.op`."""
    job_table(MetaData(), prefix).create(op.get_bind())


def drop_job_table(op: Operations, prefix: str = "") -> None:
    """Drop the table in an Alembic revision; pass `alembic.op`."""
    job_table(MetaData(), prefix).drop(op.get_bind())
