"""Months of sales can be moved into files of the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import number
from shelfcast_servicekit.jobs.table import exact_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    op.add_column("tenants", sa.Column("archived_before", sa.Date))
    op.create_table(
        "sales_archives",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("store_path", exact_text(500), nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("first_load_no", number(), nullable=False),
        sa.Column("last_load_no", number(), nullable=False),
        sa.Column("version_number", number(), nullable=False),
        sa.Column("state", exact_text(16), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "month"),
    )


def downgrade() -> None:
    """Go back to the revision before; bring archived months back first, or their rows are lost to it."""
    op.drop_table("sales_archives")
    with op.batch_alter_table("tenants") as table:
        table.drop_column("archived_before")
