"""The table of what has become of import sources; it changes with each run, the sources themselves do not."""

from __future__ import annotations

from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from shelfcast_data.adapters.sql.schema import METADATA

SOURCE_STATES = Table(
    "import_source_states",
    METADATA,
    Column("tenant", exact_text(128), nullable=False),
    Column("name", exact_text(128), nullable=False),
    Column("next_run_at", UtcDateTime),
    Column("last_run_at", UtcDateTime),
    Column("last_job_id", exact_text(36)),
    Column("mark", long_text()),
    Column("read_from", exact_text(64)),
    Column("digest", exact_text(64)),
    Column("revision", Integer),
    PrimaryKeyConstraint("tenant", "name"),
    Index("ix_import_source_states_due", "next_run_at"),
)
