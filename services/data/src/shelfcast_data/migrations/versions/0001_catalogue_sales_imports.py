"""Create the tables of catalogue, sales, versions, imports, API keys and jobs.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import Millionths, number
from shelfcast_servicekit.jobs.table import create_job_table, drop_job_table, exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _create_tenants()
    _create_catalogue()
    _create_api_keys()
    _create_sales()
    _create_versions()
    _create_imports()
    create_job_table(cast("Operations", op), "data_")  # the module stands in for the object


def downgrade() -> None:
    """Go back to an empty database."""
    drop_job_table(cast("Operations", op), "data_")
    for table in ("import_rejects", "imports", "snapshots", "data_versions", "sales", "series"):
        op.drop_table(table)
    for table in ("api_keys", "shops", "products", "tenants"):
        op.drop_table(table)


def _create_tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_no", number(), primary_key=True, autoincrement=True),
        sa.Column("tenant", exact_text(128), nullable=False, unique=True),
        sa.Column("last_number", number(), nullable=False),
    )


def _stamp() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
    ]


def _create_catalogue() -> None:
    op.create_table(
        "products",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("product_id", exact_text(128), nullable=False),
        sa.Column("name", exact_text(300), nullable=False),
        sa.Column("sku", exact_text(128)),
        sa.Column("category", exact_text(300)),
        sa.Column("unit", exact_text(32), nullable=False),
        sa.Column("price", Millionths),
        sa.Column("unit_cost", Millionths),
        sa.Column("currency_code", exact_text(3)),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "product_id"),
    )
    op.create_table(
        "shops",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("name", exact_text(300), nullable=False),
        sa.Column("time_zone", exact_text(64), nullable=False),
        sa.Column("currency_code", exact_text(3)),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "shop_id"),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", exact_text(8), primary_key=True),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(100), nullable=False),
        sa.Column("role", exact_text(32), nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.Index("ix_api_keys_newest", "tenant", "created_at", "key_id"),
    )


def _create_sales() -> None:
    op.create_table(
        "series",
        sa.Column("series_no", number(), primary_key=True, autoincrement=True),
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("product_id", exact_text(128), nullable=False),
        sa.Column("first_load_no", number(), nullable=False),
        sa.UniqueConstraint("tenant_no", "shop_id", "product_id", name="uq_series_ids"),
        sa.Index("ix_series_product", "tenant_no", "product_id", "shop_id"),
    )
    op.create_table(
        "sales",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("series_no", number(), nullable=False),
        sa.Column("sale_date", sa.Date, nullable=False),
        sa.Column("load_no", number(), nullable=False),
        sa.Column("quantity", Millionths, nullable=False),
        sa.Column("unit_price", Millionths),
        sa.Column("is_promotion", sa.Boolean),
        sa.Column("was_available", sa.Boolean),
        sa.Column("is_return", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("is_withdrawn", sa.Boolean, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("tenant_no", "series_no", "sale_date", "load_no"),
        sa.Index("ix_sales_load", "tenant_no", "load_no"),
        sqlite_with_rowid=False,
    )


def _create_versions() -> None:
    op.create_table(
        "data_versions",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("number", number(), nullable=False),
        sa.Column("load_no", number(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("cause", exact_text(200), nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "number"),
        sa.UniqueConstraint("tenant_no", "load_no", name="uq_data_versions_load"),
        sa.Index("ix_data_versions_time", "tenant_no", "created_at", "number"),
    )
    op.create_table(
        "snapshots",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("number", number(), nullable=False),
        sa.Column("snapshot_id", exact_text(64), nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("store_path", exact_text(500), nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("series_count", sa.Integer, nullable=False),
        sa.Column("first_date", sa.Date, nullable=False),
        sa.Column("last_date", sa.Date, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "number"),
        sa.Index("ix_snapshots_id", "tenant_no", "snapshot_id"),
    )


def _create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", exact_text(36), primary_key=True),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("file_name", exact_text(300), nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("expanded_bytes", sa.BigInteger, nullable=False),
        sa.Column("is_dry_run", sa.Boolean, nullable=False),
        sa.Column("asked_mapping", long_text(), nullable=False),
        sa.Column("mapping", long_text(), nullable=False),
        sa.Column("shop_id", exact_text(128)),
        sa.Column("store_path", exact_text(500), nullable=False),
        sa.Column("load_no", number()),
        sa.Column("done_offset", sa.BigInteger, nullable=False),
        sa.Column("done_row", sa.BigInteger, nullable=False),
        sa.Column("accepted_count", sa.BigInteger, nullable=False),
        sa.Column("rejected_count", sa.BigInteger, nullable=False),
        sa.Column("repeated_count", sa.BigInteger, nullable=False),
        sa.Column("data_version", number()),
        sa.Column("repeated_import_id", exact_text(36)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime),
        sa.Index("ix_imports_newest", "tenant", "created_at", "import_id"),
        sa.Index("ix_imports_digest", "tenant", "digest"),
    )
    op.create_table(
        "import_rejects",
        sa.Column("import_id", exact_text(36), nullable=False),
        sa.Column("row_no", sa.BigInteger, nullable=False),
        sa.Column("fault_no", sa.Integer, nullable=False),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("column_name", exact_text(300), nullable=False),
        sa.Column("value", exact_text(200), nullable=False),
        sa.Column("rule", exact_text(64), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "row_no", "fault_no"),
    )
