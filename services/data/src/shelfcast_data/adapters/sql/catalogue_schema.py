"""The tables of the catalogue, of saved mappings, import sources and pipelines: one a kind of entry.

Each order and filter of a list has an index that begins with the tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import Column, Date, Double, Index, Integer, MetaData, PrimaryKeyConstraint, Table

from shelfcast_data.adapters.sql.column_type import Amount, CostBreaks, Ids, Steps, TextMap, Weekdays, Word
from shelfcast_data.domain.product import ProductStatus
from shelfcast_data.domain.promotion import PromotionKind
from shelfcast_data.domain.same_day import SameDay

METADATA = MetaData()


def _ids(*names: str) -> list[Column[object]]:
    columns: list[Column[object]] = [Column("tenant", exact_text(128), nullable=False)]
    return columns + [Column(name, exact_text(128), nullable=False) for name in names]


def _stamp() -> list[Column[object]]:
    return [
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
        Column("deleted_at", UtcDateTime),
        Column("revision", Integer, nullable=False),
    ]


PRODUCTS = Table(
    "products",
    METADATA,
    *_ids("product_id"),
    Column("name", exact_text(300), nullable=False),
    Column("sku", exact_text(128)),
    Column("category", exact_text(300)),
    Column("unit", exact_text(32), nullable=False),
    Column("price", Amount),
    Column("unit_cost", Amount),
    Column("currency_code", exact_text(3)),
    *_stamp(),
    Column("case_pack", Amount),
    Column("minimum_order_quantity", Amount),
    Column("shelf_life_days", Integer),
    Column("status", Word(ProductStatus), nullable=False, server_default="active"),
    Column("successor_product_id", exact_text(128)),
    Column("supplier_id", exact_text(128)),
    PrimaryKeyConstraint("tenant", "product_id"),
    Index("ix_products_name", "tenant", "name", "product_id"),
    Index("ix_products_created", "tenant", "created_at", "product_id"),
    Index("ix_products_updated", "tenant", "updated_at", "product_id"),
    Index("ix_products_category", "tenant", "category", "product_id"),
    Index("ix_products_status", "tenant", "status", "product_id"),
    Index("ix_products_supplier", "tenant", "supplier_id", "product_id"),
    Index("ix_products_successor", "tenant", "successor_product_id", "product_id"),
)

SHOPS = Table(
    "shops",
    METADATA,
    *_ids("shop_id"),
    Column("name", exact_text(300), nullable=False),
    Column("time_zone", exact_text(64), nullable=False),
    Column("currency_code", exact_text(3)),
    *_stamp(),
    Column("opening_weekdays", Weekdays),
    Column("country_code", exact_text(2)),
    Column("subdivision_code", exact_text(32)),
    PrimaryKeyConstraint("tenant", "shop_id"),
)

SUPPLIERS = Table(
    "suppliers",
    METADATA,
    *_ids("supplier_id"),
    Column("name", exact_text(300), nullable=False),
    Column("contact_email", exact_text(254)),
    Column("lead_time_days", Integer),
    Column("order_weekdays", Weekdays),
    Column("minimum_order_value", Amount),
    Column("currency_code", exact_text(3)),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "supplier_id"),
    Index("ix_suppliers_name", "tenant", "name", "supplier_id"),
    Index("ix_suppliers_created", "tenant", "created_at", "supplier_id"),
    Index("ix_suppliers_updated", "tenant", "updated_at", "supplier_id"),
)

SUPPLIER_TERMS = Table(
    "supplier_terms",
    METADATA,
    *_ids("supplier_id", "product_id"),
    Column("supplier_sku", exact_text(128)),
    Column("currency_code", exact_text(3)),
    Column("cost_breaks", CostBreaks, nullable=False),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "supplier_id", "product_id"),
    Index("ix_supplier_terms_product", "tenant", "product_id", "supplier_id"),
)

CATEGORIES = Table(
    "categories",
    METADATA,
    *_ids("category_id"),
    Column("name", exact_text(100), nullable=False),
    Column("parent_category_id", exact_text(128)),
    Column("path", exact_text(300), nullable=False),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "category_id"),
    Index("ix_categories_path", "tenant", "path", "category_id"),
    Index("ix_categories_parent", "tenant", "parent_category_id", "path", "category_id"),
)

PRICE_CHANGES = Table(
    "price_changes",
    METADATA,
    *_ids("price_change_id", "product_id"),
    Column("shop_id", exact_text(128)),
    Column("price", Amount, nullable=False),
    Column("currency_code", exact_text(3), nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "price_change_id"),
    Index("ix_price_changes_start", "tenant", "start_date", "price_change_id"),
    Index("ix_price_changes_product", "tenant", "product_id", "shop_id", "start_date", "price_change_id"),
    Index("ix_price_changes_shop", "tenant", "shop_id", "start_date", "price_change_id"),
)

PROMOTIONS = Table(
    "promotions",
    METADATA,
    *_ids("promotion_id"),
    Column("name", exact_text(300), nullable=False),
    Column("kind", Word(PromotionKind), nullable=False),
    Column("shop_ids", Ids, nullable=False),
    Column("product_ids", Ids, nullable=False),
    Column("category_ids", Ids, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("discount_pct", Amount),
    Column("promo_price", Amount),
    Column("currency_code", exact_text(3)),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "promotion_id"),
    Index("ix_promotions_start", "tenant", "start_date", "promotion_id"),
)

CLOSURES = Table(
    "closures",
    METADATA,
    *_ids("closure_id", "shop_id"),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("reason", exact_text(300), nullable=False),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "closure_id"),
    Index("ix_closures_start", "tenant", "start_date", "closure_id"),
    Index("ix_closures_shop", "tenant", "shop_id", "start_date", "closure_id"),
)

IMPORT_MAPPINGS = Table(
    "import_mappings",
    METADATA,
    *_ids("name"),
    Column("mapping", TextMap, nullable=False),
    Column("shop_id", exact_text(128)),
    Column("same_day", Word(SameDay), nullable=False),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "name"),
)

IMPORT_SOURCES = Table(
    "import_sources",
    METADATA,
    *_ids("name"),
    Column("connection", exact_text(128), nullable=False),
    Column("table_name", exact_text(128), nullable=False),
    Column("table_schema", exact_text(128)),
    Column("mapping", TextMap, nullable=False),
    Column("shop_id", exact_text(128)),
    Column("same_day", Word(SameDay), nullable=False),
    Column("mark_column", exact_text(128)),
    Column("mark_overlap", Double, nullable=False),
    Column("every_minutes", Integer),
    Column("daily_at", exact_text(5)),
    Column("time_zone", exact_text(64), nullable=False),
    *_stamp(),
    Column("pipeline", exact_text(128)),
    PrimaryKeyConstraint("tenant", "name"),
)

PIPELINES = Table(
    "pipelines",
    METADATA,
    *_ids("name"),
    Column("steps", Steps, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", exact_text(64), nullable=False),
    *_stamp(),
    PrimaryKeyConstraint("tenant", "name"),
)

PIPELINE_VERSIONS = Table(
    "pipeline_versions",
    METADATA,
    *_ids("name"),
    Column("version", Integer, nullable=False),
    Column("digest", exact_text(64), nullable=False),
    Column("steps", Steps, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "version"),
)
"""Rows are added and never changed."""

IMPORT_PIPELINES = Table(
    "import_pipelines",
    METADATA,
    Column("import_id", exact_text(36), primary_key=True),
    Column("tenant", exact_text(128), nullable=False),
    Column("facts", long_text(), nullable=False),
    Column("preview", long_text(), nullable=False),
)
"""What the catalogue told the pipeline of an import, and the first rows of a dry run before and after."""

TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "product": PRODUCTS,
        "shop": SHOPS,
        "supplier": SUPPLIERS,
        "terms": SUPPLIER_TERMS,
        "category": CATEGORIES,
        "price_change": PRICE_CHANGES,
        "promotion": PROMOTIONS,
        "closure": CLOSURES,
        "import_mapping": IMPORT_MAPPINGS,
        "import_source": IMPORT_SOURCES,
        "pipeline": PIPELINES,
    }
)
"""The table of each kind of entry, by the kind's name."""
