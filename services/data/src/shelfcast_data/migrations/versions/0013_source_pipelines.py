"""Let an import source name the pipeline that prepares its rows.

The column is written out here, so that this step stays what it was when the schema moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import exact_text

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision; sources had no pipeline before."""
    op.add_column("import_sources", sa.Column("pipeline", exact_text(128)))


def downgrade() -> None:
    """Go back to the revision before; sources are read without their pipelines then."""
    op.drop_column("import_sources", "pipeline")
