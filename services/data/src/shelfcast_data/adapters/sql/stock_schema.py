"""The tables of stock: the ledger, and the levels that are kept in the transaction of each entry.

`stock_movements` is only added to. The row of `stock_levels` is the lock of a shop and product: every writer
takes it first, so that what it then reads of their lots stays true until its commit.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from shelfcast_servicekit.jobs.table import exact_text
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from shelfcast_data.adapters.sql.column_type import Millionths, number
from shelfcast_data.adapters.sql.schema import METADATA

NO_EXPIRY: Final = date(9999, 12, 31)
"""Stands for an expiry date that is not known, so that it comes last in an index."""

MOVEMENTS = Table(
    "stock_movements",
    METADATA,
    Column("movement_no", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("tenant_no", number(), nullable=False),
    Column("movement_id", exact_text(36), nullable=False),
    Column("kind", exact_text(16), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("product_id", exact_text(128), nullable=False),
    Column("lot_id", exact_text(128), nullable=False),
    Column("expiry_date", Date),
    Column("quantity", Millionths, nullable=False),
    Column("counted_quantity", Millionths),
    Column("other_shop_id", exact_text(128)),
    Column("unit_cost", Millionths),
    Column("currency_code", exact_text(3)),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("reference", exact_text(128), nullable=False),
    Column("reason", exact_text(300), nullable=False),
    Column("counterpart_id", exact_text(36)),
    Column("reverses_id", exact_text(36)),
    UniqueConstraint("tenant_no", "movement_id", name="uq_stock_movements_id"),
    Index("ix_stock_movements_time", "tenant_no", "occurred_at", "movement_no"),
    Index("ix_stock_movements_shop", "tenant_no", "shop_id", "occurred_at", "movement_no"),
    Index("ix_stock_movements_product", "tenant_no", "product_id", "occurred_at", "movement_no"),
    Index("ix_stock_movements_pair", "tenant_no", "shop_id", "product_id", "occurred_at", "movement_no"),
)

LEVELS = Table(
    "stock_levels",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("product_id", exact_text(128), nullable=False),
    Column("quantity", Millionths, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_no", "shop_id", "product_id"),
    Index("ix_stock_levels_product", "tenant_no", "product_id", "shop_id"),
)

LOTS = Table(
    "stock_lots",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("product_id", exact_text(128), nullable=False),
    Column("lot_id", exact_text(128), nullable=False),
    Column("expiry_date", Date, nullable=False),
    Column("quantity", Millionths, nullable=False),
    Column("is_open", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant_no", "shop_id", "product_id", "lot_id"),
    Index("ix_stock_lots_product", "tenant_no", "product_id", "shop_id", "lot_id"),
    Index("ix_stock_lots_expiry", "tenant_no", "is_open", "expiry_date", "shop_id", "product_id", "lot_id"),
    Index("ix_stock_lots_shop", "tenant_no", "shop_id", "is_open", "expiry_date", "product_id", "lot_id"),
)
"""`is_open`: whether it is a lot (not the stock outside lots) and has a quantity above 0."""
