"""The tables of the data service; those of the catalogue are in `catalogue_schema`.

`sales` is the large one: a row version is found by (tenant, series, date, load), four numbers of 15 bytes in
all, so that the table is clustered by series and day and the newest version of a day is the last of its
range. A load is one act of writing (an import or a single sale); `data_versions` says when it was published,
and rows of a load that is not published are seen by nobody.
"""

from __future__ import annotations

from shelfcast_servicekit.jobs.table import exact_text, job_table, long_text
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

from shelfcast_data.adapters.sql import catalogue_schema
from shelfcast_data.adapters.sql.column_type import Millionths, number

JOB_PREFIX = "data_"
METADATA = catalogue_schema.METADATA

TENANTS = Table(
    "tenants",
    METADATA,
    Column("tenant_no", number(), primary_key=True, autoincrement=True),
    Column("tenant", exact_text(128), nullable=False, unique=True),
    Column("last_number", number(), nullable=False),
    Column("archived_before", Date),
)
"""`last_number` counts loads and versions alike; its row is the lock under which both are given out."""

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", exact_text(8), primary_key=True),
    Column("tenant", exact_text(128), nullable=False),
    Column("name", exact_text(100), nullable=False),
    Column("role", exact_text(32), nullable=False),
    Column("digest", exact_text(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Index("ix_api_keys_newest", "tenant", "created_at", "key_id"),
)

SERIES = Table(
    "series",
    METADATA,
    Column("series_no", number(), primary_key=True, autoincrement=True),
    Column("tenant_no", number(), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("product_id", exact_text(128), nullable=False),
    Column("first_load_no", number(), nullable=False),
    UniqueConstraint("tenant_no", "shop_id", "product_id", name="uq_series_ids"),
    Index("ix_series_product", "tenant_no", "product_id", "shop_id"),
)

SALES = Table(
    "sales",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("series_no", number(), nullable=False),
    Column("sale_date", Date, nullable=False),
    Column("load_no", number(), nullable=False),
    Column("quantity", Millionths, nullable=False),
    Column("unit_price", Millionths),
    Column("is_promotion", Boolean),
    Column("was_available", Boolean),
    Column("is_return", Boolean, nullable=False, server_default="0"),
    Column("is_withdrawn", Boolean, nullable=False, server_default="0"),
    PrimaryKeyConstraint("tenant_no", "series_no", "sale_date", "load_no"),
    Index("ix_sales_load", "tenant_no", "load_no"),
    sqlite_with_rowid=False,
)

STAGED_SALES = Table(
    "staged_sales",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("load_no", number(), nullable=False),
    Column("series_no", number(), nullable=False),
    Column("sale_date", Date, nullable=False),
    Column("row_no", BigInteger, nullable=False),
    Column("quantity", Millionths, nullable=False),
    Column("unit_price", Millionths),
    Column("is_promotion", Boolean),
    Column("was_available", Boolean),
    Column("is_return", Boolean, nullable=False, server_default="0"),
    PrimaryKeyConstraint("tenant_no", "load_no", "series_no", "sale_date", "row_no"),
    sqlite_with_rowid=False,
)
"""Rows of a load that are to be added up by day; they are gone when the load is published."""

DATA_VERSIONS = Table(
    "data_versions",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("number", number(), nullable=False),
    Column("load_no", number(), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("cause", exact_text(200), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("undone_number", number()),
    PrimaryKeyConstraint("tenant_no", "number"),
    UniqueConstraint("tenant_no", "load_no", name="uq_data_versions_load"),
    Index("ix_data_versions_undone", "tenant_no", "undone_number"),
    Index("ix_data_versions_time", "tenant_no", "created_at", "number"),
)

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("number", number(), nullable=False),
    Column("snapshot_id", exact_text(64), nullable=False),
    Column("digest", exact_text(64), nullable=False),
    Column("store_path", exact_text(500), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("first_date", Date, nullable=False),
    Column("last_date", Date, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("parent_snapshot_id", exact_text(64)),
    PrimaryKeyConstraint("tenant_no", "number"),
    Index("ix_snapshots_id", "tenant_no", "snapshot_id"),
)

SALES_ARCHIVES = Table(
    "sales_archives",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("month", Date, nullable=False),
    Column("digest", exact_text(64), nullable=False),
    Column("store_path", exact_text(500), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("first_load_no", number(), nullable=False),
    Column("last_load_no", number(), nullable=False),
    Column("version_number", number(), nullable=False),
    Column("state", exact_text(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("tenant_no", "month"),
)
"""Months before `tenants.archived_before` whose rows are in files of the store."""

IMPORTS = Table(
    "imports",
    METADATA,
    Column("import_id", exact_text(36), primary_key=True),
    Column("tenant", exact_text(128), nullable=False),
    Column("file_name", exact_text(300), nullable=False),
    Column("digest", exact_text(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("expanded_bytes", BigInteger, nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("asked_mapping", long_text(), nullable=False),
    Column("mapping", long_text(), nullable=False),
    Column("shop_id", exact_text(128)),
    Column("store_path", exact_text(500), nullable=False),
    Column("load_no", number()),
    Column("done_offset", BigInteger, nullable=False),
    Column("done_row", BigInteger, nullable=False),
    Column("accepted_count", BigInteger, nullable=False),
    Column("rejected_count", BigInteger, nullable=False),
    Column("repeated_count", BigInteger, nullable=False),
    Column("reject_bytes", BigInteger, nullable=False, server_default="0"),
    Column("is_reject_file_cut", Boolean, nullable=False, server_default="0"),
    Column("same_day", exact_text(16), nullable=False, server_default="refuse"),
    Column("mapping_name", exact_text(128), nullable=False, server_default=""),
    Column("schema_version", Integer, nullable=False, server_default="1"),
    Column("pipeline_name", exact_text(128)),
    Column("pipeline_version", Integer),
    Column("pipeline_digest", exact_text(64)),
    Column("pipeline_facts_digest", exact_text(64)),
    Column("filtered_count", BigInteger, nullable=False, server_default="0"),
    Column("closed_count", BigInteger, nullable=False, server_default="0"),
    Column("data_version", number()),
    Column("repeated_import_id", exact_text(36)),
    Column("undone_number", number()),
    Column("undone_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime),
    Index("ix_imports_newest", "tenant", "created_at", "import_id"),
    Index("ix_imports_digest", "tenant", "digest"),
    Index("ix_imports_unpublished", "tenant", "data_version", "load_no"),
)

IMPORT_REJECTS = Table(
    "import_rejects",
    METADATA,
    Column("import_id", exact_text(36), nullable=False),
    Column("row_no", BigInteger, nullable=False),
    Column("fault_no", Integer, nullable=False),
    Column("tenant", exact_text(128), nullable=False),
    Column("column_name", exact_text(300), nullable=False),
    Column("value", exact_text(200), nullable=False),
    Column("rule", exact_text(64), nullable=False),
    PrimaryKeyConstraint("import_id", "row_no", "fault_no"),
)

JOBS = job_table(METADATA, JOB_PREFIX)

TURNS = Table(
    "turns",
    METADATA,
    Column("tenant_no", number(), nullable=False),
    Column("kind", exact_text(64), nullable=False),
    Column("job_id", exact_text(36), nullable=False),
    PrimaryKeyConstraint("tenant_no", "kind"),
)
"""The job of a kind that runs, or ran last; one at a time takes the row over."""
