"""Keep the name of an import's saved mapping, the scores of sources, and whose turn it is among jobs.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import number
from shelfcast_servicekit.jobs.table import exact_text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    name = sa.Column("mapping_name", exact_text(128), nullable=False, server_default="")
    op.add_column("imports", name)
    op.create_table(
        "quality_source_scores",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("check_no", number(), nullable=False),
        sa.Column("source_id", exact_text(300), nullable=False),
        sa.Column("day_count", sa.Integer, nullable=False),
        sa.Column("faulty_count", sa.Integer, nullable=False),
        sa.Column("info_count", sa.Integer, nullable=False),
        sa.Column("warning_count", sa.Integer, nullable=False),
        sa.Column("error_count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "check_no", "source_id"),
        sa.Index("ix_quality_source_scores_source", "tenant_no", "source_id", "check_no"),
    )
    op.create_table(
        "turns",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("kind", exact_text(64), nullable=False),
        sa.Column("job_id", exact_text(36), nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "kind"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("turns")
    op.drop_table("quality_source_scores")
    op.drop_column("imports", "mapping_name")
