"""The tables of data quality: checks, what they found, and the scores that they gave.

`quality_findings` keeps one row per rule, shop, product and first day for good; every list of it is for open
or for resolved findings, which is why `is_open` stands before the number in each index.
"""

from __future__ import annotations

from shelfcast_servicekit.jobs.table import exact_text
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from shelfcast_data.adapters.sql.column_type import number
from shelfcast_data.adapters.sql.schema import METADATA

CHECKS = Table(
    "quality_checks",
    METADATA,
    Column("check_no", number(), primary_key=True, autoincrement=True),
    Column("tenant_no", number(), nullable=False),
    Column("check_id", exact_text(36), nullable=False),
    Column("version_number", number(), nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_no", "check_id", name="uq_quality_checks_id"),
    Index("ix_quality_checks_newest", "tenant_no", "check_no"),
)

SCORES = Table(
    "quality_scores",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("check_no", number(), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("day_count", Integer, nullable=False),
    Column("faulty_count", Integer, nullable=False),
    Column("info_count", Integer, nullable=False),
    Column("warning_count", Integer, nullable=False),
    Column("error_count", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_no", "check_no", "shop_id"),
    Index("ix_quality_scores_shop", "tenant_no", "shop_id", "check_no"),
)

SOURCE_SCORES = Table(
    "quality_source_scores",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("check_no", number(), nullable=False),
    Column("source_id", exact_text(300), nullable=False),
    Column("day_count", Integer, nullable=False),
    Column("faulty_count", Integer, nullable=False),
    Column("info_count", Integer, nullable=False),
    Column("warning_count", Integer, nullable=False),
    Column("error_count", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_no", "check_no", "source_id"),
    Index("ix_quality_source_scores_source", "tenant_no", "source_id", "check_no"),
)

FINDINGS = Table(
    "quality_findings",
    METADATA,
    Column("finding_no", number(), primary_key=True, autoincrement=True),
    Column("tenant_no", number(), nullable=False),
    Column("rule", exact_text(32), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("product_id", exact_text(128), nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("severity", exact_text(16), nullable=False),
    Column("day_count", Integer, nullable=False),
    Column("measured", Double, nullable=False),
    Column("usual", Double, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("check_no", number(), nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    UniqueConstraint(
        "tenant_no", "shop_id", "product_id", "rule", "start_date", name="uq_quality_findings_key"
    ),
    Index("ix_quality_findings_state", "tenant_no", "is_open", "finding_no"),
    Index("ix_quality_findings_shop", "tenant_no", "shop_id", "is_open", "finding_no"),
    Index("ix_quality_findings_product", "tenant_no", "product_id", "is_open", "finding_no"),
    Index("ix_quality_findings_rule", "tenant_no", "rule", "is_open", "finding_no"),
    Index("ix_quality_findings_severity", "tenant_no", "severity", "is_open", "finding_no"),
)
"""`check_no`: the check that last found it. `product_id` is empty where the shop as a whole is meant."""
