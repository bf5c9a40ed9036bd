"""Complete the catalogue: more fields of products and shops, and its further kinds of entries.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_data.adapters.sql.column_type import Millionths
from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    _extend_products()
    _extend_shops()
    _create_suppliers()
    _create_categories()
    _create_calendar()


def downgrade() -> None:
    """Go back to the revision before; the catalogue keeps products and shops only."""
    for table in ("closures", "promotions", "price_changes", "categories", "supplier_terms", "suppliers"):
        op.drop_table(table)
    for name in ("name", "created", "updated", "category", "status", "supplier", "successor"):
        op.drop_index(f"ix_products_{name}", "products")
    for column in _PRODUCT_COLUMNS:
        op.drop_column("products", column)
    for column in ("opening_weekdays", "country_code", "subdivision_code"):
        op.drop_column("shops", column)


_PRODUCT_COLUMNS = (
    "case_pack",
    "minimum_order_quantity",
    "shelf_life_days",
    "status",
    "successor_product_id",
    "supplier_id",
)


def _extend_products() -> None:
    for column in (
        sa.Column("case_pack", Millionths),
        sa.Column("minimum_order_quantity", Millionths),
        sa.Column("shelf_life_days", sa.Integer),
        sa.Column("status", exact_text(32), nullable=False, server_default="active"),
        sa.Column("successor_product_id", exact_text(128)),
        sa.Column("supplier_id", exact_text(128)),
    ):
        op.add_column("products", column)
    for name, column_name in (
        ("name", "name"),
        ("created", "created_at"),
        ("updated", "updated_at"),
        ("category", "category"),
        ("status", "status"),
        ("supplier", "supplier_id"),
        ("successor", "successor_product_id"),
    ):
        op.create_index(f"ix_products_{name}", "products", ["tenant", column_name, "product_id"])


def _extend_shops() -> None:
    op.add_column("shops", sa.Column("opening_weekdays", sa.String(7)))
    op.add_column("shops", sa.Column("country_code", exact_text(2)))
    op.add_column("shops", sa.Column("subdivision_code", exact_text(32)))


def _ids(*names: str) -> list[sa.Column[object]]:
    columns: list[sa.Column[object]] = [sa.Column("tenant", exact_text(128), nullable=False)]
    return columns + [sa.Column(name, exact_text(128), nullable=False) for name in names]


def _stamp() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
    ]


def _create_suppliers() -> None:
    op.create_table(
        "suppliers",
        *_ids("supplier_id"),
        sa.Column("name", exact_text(300), nullable=False),
        sa.Column("contact_email", exact_text(254)),
        sa.Column("lead_time_days", sa.Integer),
        sa.Column("order_weekdays", sa.String(7)),
        sa.Column("minimum_order_value", Millionths),
        sa.Column("currency_code", exact_text(3)),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "supplier_id"),
        sa.Index("ix_suppliers_name", "tenant", "name", "supplier_id"),
        sa.Index("ix_suppliers_created", "tenant", "created_at", "supplier_id"),
        sa.Index("ix_suppliers_updated", "tenant", "updated_at", "supplier_id"),
    )
    op.create_table(
        "supplier_terms",
        *_ids("supplier_id", "product_id"),
        sa.Column("supplier_sku", exact_text(128)),
        sa.Column("currency_code", exact_text(3)),
        sa.Column("cost_breaks", long_text(), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "supplier_id", "product_id"),
        sa.Index("ix_supplier_terms_product", "tenant", "product_id", "supplier_id"),
    )


def _create_categories() -> None:
    op.create_table(
        "categories",
        *_ids("category_id"),
        sa.Column("name", exact_text(100), nullable=False),
        sa.Column("parent_category_id", exact_text(128)),
        sa.Column("path", exact_text(300), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "category_id"),
        sa.Index("ix_categories_path", "tenant", "path", "category_id"),
        sa.Index("ix_categories_parent", "tenant", "parent_category_id", "path", "category_id"),
    )


def _create_calendar() -> None:
    op.create_table(
        "price_changes",
        *_ids("price_change_id", "product_id"),
        sa.Column("shop_id", exact_text(128)),
        sa.Column("price", Millionths, nullable=False),
        sa.Column("currency_code", exact_text(3), nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "price_change_id"),
        sa.Index("ix_price_changes_start", "tenant", "start_date", "price_change_id"),
        sa.Index(
            "ix_price_changes_product", "tenant", "product_id", "shop_id", "start_date", "price_change_id"
        ),
        sa.Index("ix_price_changes_shop", "tenant", "shop_id", "start_date", "price_change_id"),
    )
    op.create_table(
        "promotions",
        *_ids("promotion_id"),
        sa.Column("name", exact_text(300), nullable=False),
        sa.Column("kind", exact_text(32), nullable=False),
        sa.Column("shop_ids", long_text(), nullable=False),
        sa.Column("product_ids", long_text(), nullable=False),
        sa.Column("category_ids", long_text(), nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("discount_pct", Millionths),
        sa.Column("promo_price", Millionths),
        sa.Column("currency_code", exact_text(3)),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "promotion_id"),
        sa.Index("ix_promotions_start", "tenant", "start_date", "promotion_id"),
    )
    op.create_table(
        "closures",
        *_ids("closure_id", "shop_id"),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("reason", exact_text(300), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("tenant", "closure_id"),
        sa.Index("ix_closures_start", "tenant", "start_date", "closure_id"),
        sa.Index("ix_closures_shop", "tenant", "shop_id", "start_date", "closure_id"),
    )
