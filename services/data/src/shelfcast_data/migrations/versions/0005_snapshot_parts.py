"""Snapshots become lists of monthly parts; earlier ones are forgotten, they are made again when asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import exact_text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    op.execute("DELETE FROM snapshots")
    op.add_column("snapshots", sa.Column("parent_snapshot_id", exact_text(64)))
    with op.batch_alter_table("snapshots") as table:
        table.drop_column("series_count")


def downgrade() -> None:
    """Go back to the revision before."""
    op.execute("DELETE FROM snapshots")
    with op.batch_alter_table("snapshots") as table:
        table.drop_column("parent_snapshot_id")
        table.add_column(sa.Column("series_count", sa.Integer, nullable=False))
