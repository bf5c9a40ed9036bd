"""Create the tables of import sources and of what has become of them.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _create_sources()
    _create_states()


def _create_sources() -> None:
    op.create_table(
        "import_sources",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(128), nullable=False),
        sa.Column("connection", exact_text(128), nullable=False),
        sa.Column("table_name", exact_text(128), nullable=False),
        sa.Column("table_schema", exact_text(128)),
        sa.Column("mapping", long_text(), nullable=False),
        sa.Column("shop_id", exact_text(128)),
        sa.Column("same_day", exact_text(32), nullable=False),
        sa.Column("mark_column", exact_text(128)),
        sa.Column("mark_overlap", sa.Double, nullable=False),
        sa.Column("every_minutes", sa.Integer),
        sa.Column("daily_at", exact_text(5)),
        sa.Column("time_zone", exact_text(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )


def _create_states() -> None:
    op.create_table(
        "import_source_states",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(128), nullable=False),
        sa.Column("next_run_at", UtcDateTime),
        sa.Column("last_run_at", UtcDateTime),
        sa.Column("last_job_id", exact_text(36)),
        sa.Column("mark", long_text()),
        sa.Column("read_from", exact_text(64)),
        sa.Column("digest", exact_text(64)),
        sa.Column("revision", sa.Integer),
        sa.PrimaryKeyConstraint("tenant", "name"),
        sa.Index("ix_import_source_states_due", "next_run_at"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("import_source_states")
    op.drop_table("import_sources")
