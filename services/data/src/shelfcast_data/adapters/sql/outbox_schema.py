"""The tables of the outbox: events that wait for the relay or were published, and who relays."""

from __future__ import annotations

from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from shelfcast_data.adapters.sql.schema import METADATA

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("event_no", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", exact_text(36), nullable=False),
    Column("tenant", exact_text(128), nullable=False),
    Column("name", exact_text(32), nullable=False),
    Column("facts", long_text(), nullable=False),
    Column("data_version", exact_text(32), nullable=False),
    Column("traceparent", exact_text(55), nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("state", exact_text(16), nullable=False),
    Column("published_at", UtcDateTime),
    Column("attempt_count", Integer, nullable=False),
    Column("retry_at", UtcDateTime),
    Column("error", Text, nullable=False),
    Index("ix_outbox_state", "state", "published_at", "event_no"),
)

OUTBOX_LEAD = Table(
    "outbox_lead",
    METADATA,
    Column("name", exact_text(16), primary_key=True),
    Column("holder", exact_text(64), nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
)
"""One row: the process that relays, so that the events of a tenant go out in their order."""
