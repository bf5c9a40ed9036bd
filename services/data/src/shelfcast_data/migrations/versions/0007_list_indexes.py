"""Find the imports whose rows are not published without reading all imports, as each read of sales must."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    op.create_index("ix_imports_unpublished", "imports", ["tenant", "data_version", "load_no"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_imports_unpublished", "imports")
