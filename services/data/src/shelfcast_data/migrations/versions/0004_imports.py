"""Keep what imports need beyond one pass: reject files, rows to be added up, undoing, saved mappings.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import Millionths, number
from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    op.add_column("imports", sa.Column("reject_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("imports", sa.Column("is_reject_file_cut", sa.Boolean, nullable=False, server_default="0"))
    same_day = sa.Column("same_day", exact_text(16), nullable=False, server_default="refuse")
    op.add_column("imports", same_day)
    op.create_table(
        "staged_sales",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("load_no", number(), nullable=False),
        sa.Column("series_no", number(), nullable=False),
        sa.Column("sale_date", sa.Date, nullable=False),
        sa.Column("row_no", sa.BigInteger, nullable=False),
        sa.Column("quantity", Millionths, nullable=False),
        sa.Column("unit_price", Millionths),
        sa.Column("is_promotion", sa.Boolean),
        sa.Column("was_available", sa.Boolean),
        sa.Column("is_return", sa.Boolean, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("tenant_no", "load_no", "series_no", "sale_date", "row_no"),
        sqlite_with_rowid=False,
    )
    op.add_column("imports", sa.Column("undone_number", number()))
    op.add_column("imports", sa.Column("undone_at", UtcDateTime))
    op.add_column("data_versions", sa.Column("undone_number", number()))
    op.create_index("ix_data_versions_undone", "data_versions", ["tenant_no", "undone_number"])
    op.create_table(
        "import_mappings",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(128), nullable=False),
        sa.Column("mapping", long_text(), nullable=False),
        sa.Column("shop_id", exact_text(128)),
        sa.Column("same_day", exact_text(16), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )


def downgrade() -> None:
    """Go back to the revision before; undone imports count again."""
    op.drop_table("import_mappings")
    op.drop_table("staged_sales")
    op.drop_index("ix_data_versions_undone", "data_versions")
    op.drop_column("data_versions", "undone_number")
    for column in ("undone_at", "undone_number", "same_day", "is_reject_file_cut", "reject_bytes"):
        op.drop_column("imports", column)
