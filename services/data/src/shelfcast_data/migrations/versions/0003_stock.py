"""Create the tables of the stock ledger.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import Millionths, number
from shelfcast_servicekit.jobs.table import exact_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _create_movements()
    _create_levels()
    _create_lots()


def downgrade() -> None:
    """Go back to the revision before; the ledger is lost."""
    for table in ("stock_lots", "stock_levels", "stock_movements"):
        op.drop_table(table)


def _create_movements() -> None:
    op.create_table(
        "stock_movements",
        sa.Column(
            "movement_no",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("movement_id", exact_text(36), nullable=False),
        sa.Column("kind", exact_text(16), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("product_id", exact_text(128), nullable=False),
        sa.Column("lot_id", exact_text(128), nullable=False),
        sa.Column("expiry_date", sa.Date),
        sa.Column("quantity", Millionths, nullable=False),
        sa.Column("counted_quantity", Millionths),
        sa.Column("other_shop_id", exact_text(128)),
        sa.Column("unit_cost", Millionths),
        sa.Column("currency_code", exact_text(3)),
        sa.Column("occurred_at", UtcDateTime, nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("reference", exact_text(128), nullable=False),
        sa.Column("reason", exact_text(300), nullable=False),
        sa.Column("counterpart_id", exact_text(36)),
        sa.Column("reverses_id", exact_text(36)),
        sa.UniqueConstraint("tenant_no", "movement_id", name="uq_stock_movements_id"),
        sa.Index("ix_stock_movements_time", "tenant_no", "occurred_at", "movement_no"),
        sa.Index("ix_stock_movements_shop", "tenant_no", "shop_id", "occurred_at", "movement_no"),
        sa.Index("ix_stock_movements_product", "tenant_no", "product_id", "occurred_at", "movement_no"),
        sa.Index(
            "ix_stock_movements_pair", "tenant_no", "shop_id", "product_id", "occurred_at", "movement_no"
        ),
    )


def _create_levels() -> None:
    op.create_table(
        "stock_levels",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("product_id", exact_text(128), nullable=False),
        sa.Column("quantity", Millionths, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "shop_id", "product_id"),
        sa.Index("ix_stock_levels_product", "tenant_no", "product_id", "shop_id"),
    )


def _create_lots() -> None:
    op.create_table(
        "stock_lots",
        sa.Column("tenant_no", number(), nullable=False),
        sa.Column("shop_id", exact_text(128), nullable=False),
        sa.Column("product_id", exact_text(128), nullable=False),
        sa.Column("lot_id", exact_text(128), nullable=False),
        sa.Column("expiry_date", sa.Date, nullable=False),
        sa.Column("quantity", Millionths, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant_no", "shop_id", "product_id", "lot_id"),
        sa.Index("ix_stock_lots_product", "tenant_no", "product_id", "shop_id", "lot_id"),
        sa.Index(
            "ix_stock_lots_expiry", "tenant_no", "is_open", "expiry_date", "shop_id", "product_id", "lot_id"
        ),
        sa.Index(
            "ix_stock_lots_shop", "tenant_no", "shop_id", "is_open", "expiry_date", "product_id", "lot_id"
        ),
    )
