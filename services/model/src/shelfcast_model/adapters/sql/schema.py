"""Tables of the model service; all begin with `model_`."""

from __future__ import annotations

from typing import Final

from shelfcast_servicekit.jobs.table import exact_text, job_table
from shelfcast_servicekit.sql_clock import UtcDateTime
from sqlalchemy import JSON, Column, Double, Index, Integer, MetaData, Table, Text, UniqueConstraint

METADATA: Final = MetaData()
PREFIX: Final = "model_"

JOBS: Final = job_table(METADATA, PREFIX)

MODELS: Final = Table(
    "model_models",
    METADATA,
    Column("model_id", exact_text(36), primary_key=True),
    Column("tenant", exact_text(128), nullable=False),
    Column("forecaster", exact_text(32), nullable=False),
    Column("model_version", exact_text(15), nullable=False),
    Column("stage", exact_text(16), nullable=False),
    Column("snapshot_id", exact_text(128), nullable=False),
    Column("data_version", exact_text(32), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("series_count", Integer, nullable=False),
    Column("fit_seconds", Double, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("artefact_path", exact_text(512), nullable=False),
    Column("digest", exact_text(64), nullable=False),
    Column("decision", Text, nullable=False),
    Column("job_id", exact_text(36), nullable=False),
    Column("trained_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant", "model_version", "forecaster", name="uq_model_models_version"),
    Index("ix_model_models_newest", "tenant", "trained_at", "model_id"),
)

CHAMPIONS: Final = Table(
    "model_champions",
    METADATA,
    Column("tenant", exact_text(128), primary_key=True),
    Column("model_id", exact_text(36), nullable=False),
    Column("promoted_at", UtcDateTime, nullable=False),
)

DECISIONS: Final = Table(
    "model_decisions",
    METADATA,
    Column("decision_id", Integer, primary_key=True, autoincrement=True),
    Column("tenant", exact_text(128), nullable=False),
    Column("model_id", exact_text(36), nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_by", exact_text(255), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_model_decisions_tenant", "tenant", "decision_id"),
)
