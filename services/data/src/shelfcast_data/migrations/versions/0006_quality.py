"""Create the tables of data quality: checks, scores and findings.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import number
from shelfcast_servicekit.jobs.table import exact_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _create_checks()
    _create_scores()
    _create_findings()


def _create_checks() -> None:
    op.create_table(
        "quality_checks",
        sa.Column("check_no", number(), primary_key=True, autoincrement=True),
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("check_id", exact_text(36), nullable=False),
        sa.Column("version_number", number(), nullable=False),
        sa.Column("checked_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("tenant_no", "check_id", name="uq_quality_checks_id"),
        sa.Index("ix_quality_checks_newest", "tenant_no", "check_no"),
    )


def _create_scores() -> None:
    op.create_table(
        "quality_scores",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("check_no", number(), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("day_count", sa.Integer, nullable=False),
        sa.Column("faulty_count", sa.Integer, nullable=False),
        sa.Column("info_count", sa.Integer, nullable=False),
        sa.Column("warning_count", sa.Integer, nullable=False),
        sa.Column("error_count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "check_no", "shop_id"),
        sa.Index("ix_quality_scores_shop", "tenant_no", "shop_id", "check_no"),
    )


def _create_findings() -> None:
    op.create_table(
        "quality_findings",
        sa.Column("finding_no", number(), primary_key=True, autoincrement=True),
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("rule", exact_text(32), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("product_id", exact_text(128), nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("severity", exact_text(16), nullable=False),
        sa.Column("day_count", sa.Integer, nullable=False),
        sa.Column("measured", sa.Double, nullable=False),
        sa.Column("usual", sa.Double, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("check_no", number(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("resolved_at", UtcDateTime),
        sa.UniqueConstraint(
            "tenant_no", "shop_id", "product_id", "rule", "start_date", name="uq_quality_findings_key"
        ),
        sa.Index("ix_quality_findings_state", "tenant_no", "is_open", "finding_no"),
        sa.Index("ix_quality_findings_shop", "tenant_no", "shop_id", "is_open", "finding_no"),
        sa.Index("ix_quality_findings_product", "tenant_no", "product_id", "is_open", "finding_no"),
        sa.Index("ix_quality_findings_rule", "tenant_no", "rule", "is_open", "finding_no"),
        sa.Index("ix_quality_findings_severity", "tenant_no", "severity", "is_open", "finding_no"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("quality_findings")
    op.drop_table("quality_scores")
    op.drop_table("quality_checks")
