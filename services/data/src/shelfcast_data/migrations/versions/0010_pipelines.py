"""Keep pipelines, their versions, and which of them has prepared an import; keep its schema's version too.

The columns are written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import exact_text, long_text
from shelfcast_servicekit.sql_clock import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_REFERENCE = ("pipeline_name", "pipeline_version", "pipeline_digest", "pipeline_facts_digest")
_COUNTS = ("filtered_count", "closed_count")


def upgrade() -> None:
    """Go on to this revision; what was imported before was checked by version 1 of the schema."""
    op.create_table(
        "pipelines",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(128), nullable=False),
        sa.Column("steps", long_text(), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )
    op.create_table(
        "pipeline_versions",
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("name", exact_text(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("steps", long_text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "version"),
    )
    op.create_table(
        "import_pipelines",
        sa.Column("import_id", exact_text(36), primary_key=True),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("facts", long_text(), nullable=False),
        sa.Column("preview", long_text(), nullable=False),
    )
    schema_version = sa.Column("schema_version", sa.Integer, nullable=False, server_default="1")
    op.add_column("imports", schema_version)
    op.add_column("imports", sa.Column("pipeline_name", exact_text(128)))
    op.add_column("imports", sa.Column("pipeline_version", sa.Integer))
    op.add_column("imports", sa.Column("pipeline_digest", exact_text(64)))
    op.add_column("imports", sa.Column("pipeline_facts_digest", exact_text(64)))
    for name in _COUNTS:
        op.add_column("imports", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Go back to the revision before; what imports with a pipeline have stored stays."""
    for name in ("schema_version", *_REFERENCE, *_COUNTS):
        op.drop_column("imports", name)
    for table in ("import_pipelines", "pipeline_versions", "pipelines"):
        op.drop_table(table)
