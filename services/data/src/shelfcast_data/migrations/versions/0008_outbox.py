"""Create the outbox: events that are told in the transaction of their cause, and who relays them.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "outbox",
        sa.Column("event_no", number, primary_key=True, autoincrement=True),
        sa.Column("event_id", exact_text(36), nullable=False),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(32), nullable=False),
        sa.Column("facts", long_text(), nullable=False),
        sa.Column("data_version", exact_text(32), nullable=False),
        sa.Column("traceparent", exact_text(55), nullable=False),
        sa.Column("occurred_at", UtcDateTime, nullable=False),
        sa.Column("state", exact_text(16), nullable=False),
        sa.Column("published_at", UtcDateTime),
        sa.Column("attempt_count", sa.Integer, nullable=False),
        sa.Column("retry_at", UtcDateTime),
        sa.Column("error", sa.Text, nullable=False),
        sa.Index("ix_outbox_state", "state", "published_at", "event_no"),
    )
    op.create_table(
        "outbox_lead",
        sa.Column("name", exact_text(16), primary_key=True),
        sa.Column("holder", exact_text(64), nullable=False),
        sa.Column("lease_until", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("outbox_lead")
    op.drop_table("outbox")
