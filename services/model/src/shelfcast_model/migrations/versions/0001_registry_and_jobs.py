"""Create the model registry and the table of training and prediction jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import create_job_table, exact_text
from shelfcast_servicekit.sql_clock import UtcDateTime

if TYPE_CHECKING:
    from alembic.operations import Operations

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this revision."""
    create_job_table(cast("Operations", op), "model_")  # the module stands in for the object
    _create_models()
    op.create_table(
        "model_champions",
        sa.Column("tenant", exact_text(128), primary_key=True),
        sa.Column("model_id", exact_text(36), nullable=False),
        sa.Column("promoted_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "model_decisions",
        sa.Column("decision_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("model_id", exact_text(36), nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("decided_by", exact_text(255), nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=False),
        sa.Index("ix_model_decisions_tenant", "tenant", "decision_id"),
    )


def _create_models() -> None:
    op.create_table(
        "model_models",
        sa.Column("model_id", exact_text(36), primary_key=True),
        sa.Column("tenant", exact_text(128), nullable=False),
        sa.Column("forecaster", exact_text(32), nullable=False),
        sa.Column("model_version", exact_text(15), nullable=False),
        sa.Column("stage", exact_text(16), nullable=False),
        sa.Column("snapshot_id", exact_text(128), nullable=False),
        sa.Column("data_version", exact_text(32), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("series_count", sa.Integer, nullable=False),
        sa.Column("fit_seconds", sa.Double, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("artefact_path", exact_text(512), nullable=False),
        sa.Column("digest", exact_text(64), nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("job_id", exact_text(36), nullable=False),
        sa.Column("trained_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("tenant", "model_version", "forecaster", name="uq_model_models_version"),
        sa.Index("ix_model_models_newest", "tenant", "trained_at", "model_id"),
    )
