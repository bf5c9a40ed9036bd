"""Rows of the model registry, read and written inside one transaction."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, or_, select, update

from shelfcast_model.adapters.sql.schema import CHAMPIONS, DECISIONS, MODELS
from shelfcast_model.domain.stored_model import ModelMetrics, Stage, StoredModel
from shelfcast_model.errors import ModelNotFound

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import RowMapping
    from sqlalchemy.engine import Connection


class SqlRegistryTx:
    """What a registry use case may do inside its transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on an open transaction; the Transactor ends it."""
        self.connection = connection

    def model(self, tenant: str, model_id: str) -> StoredModel:
        """Give a model of the tenant. Raises: ModelNotFound."""
        query = select(MODELS).where(MODELS.c.tenant == tenant, MODELS.c.model_id == model_id)
        row = self.connection.execute(query).mappings().first()
        if row is None:
            raise ModelNotFound(model_id=model_id)
        return _model(row)

    def models(
        self, tenant: str, limit: int, before: tuple[datetime, str] | None = None
    ) -> list[StoredModel]:
        """Give models, newest first; `before` is the (trained_at, model_id) that the page follows."""
        query = select(MODELS).where(MODELS.c.tenant == tenant)
        if before is not None:
            older = MODELS.c.trained_at < before[0]
            same = and_(MODELS.c.trained_at == before[0], MODELS.c.model_id < before[1])
            query = query.where(or_(older, same))
        query = query.order_by(MODELS.c.trained_at.desc(), MODELS.c.model_id.desc()).limit(limit)
        return [_model(row) for row in self.connection.execute(query).mappings()]

    def newest(self, tenant: str, forecaster: str) -> StoredModel | None:
        """Give the newest model of a forecaster, or None when it was never trained."""
        query = (
            select(MODELS)
            .where(MODELS.c.tenant == tenant, MODELS.c.forecaster == forecaster)
            .order_by(MODELS.c.trained_at.desc(), MODELS.c.model_id.desc())
            .limit(1)
        )
        row = self.connection.execute(query).mappings().first()
        return None if row is None else _model(row)

    def version_exists(self, tenant: str, model_version: str) -> bool:
        """Say whether a training of the tenant has taken the version."""
        query = select(MODELS.c.model_id).where(
            MODELS.c.tenant == tenant, MODELS.c.model_version == model_version
        )
        return self.connection.execute(query.limit(1)).first() is not None

    def forecasters(self, tenant: str) -> list[str]:
        """Give the names of all forecasters that were ever trained."""
        query = select(MODELS.c.forecaster).where(MODELS.c.tenant == tenant).distinct()
        return sorted(self.connection.execute(query).scalars())

    def trained_by(self, tenant: str, job_id: str) -> list[StoredModel]:
        """Give the models that a training job has registered, by forecaster."""
        query = select(MODELS).where(MODELS.c.tenant == tenant, MODELS.c.job_id == job_id)
        rows = self.connection.execute(query.order_by(MODELS.c.forecaster)).mappings()
        return [_model(row) for row in rows]

    def champion(self, tenant: str) -> StoredModel | None:
        """Give the tenant's champion, or None."""
        return self.champions([tenant]).get(tenant)

    def champions(self, tenants: list[str] | None = None) -> dict[str, StoredModel]:
        """Give the champions of the named tenants, or of all."""
        query = select(MODELS).join(
            CHAMPIONS, and_(CHAMPIONS.c.tenant == MODELS.c.tenant, CHAMPIONS.c.model_id == MODELS.c.model_id)
        )
        if tenants is not None:
            query = query.where(CHAMPIONS.c.tenant.in_(tenants))
        return {row["tenant"]: _model(row) for row in self.connection.execute(query).mappings()}

    def add(self, model: StoredModel, decided_by: str) -> None:
        """Register a trained model as challenger, with the decision on it."""
        values = asdict(model) | {"stage": Stage.CHALLENGER.value, "metrics": asdict(model.metrics)}
        self.connection.execute(insert(MODELS).values(**values))
        self._record(model, decided_by, model.trained_at)

    def crown(self, model: StoredModel, decided_by: str, at: datetime) -> None:
        """Make a registered model the champion of its tenant; the former one retires."""
        former = self.champion(model.tenant)
        if former is not None and former.model_id == model.model_id:
            return
        if former is not None:
            self._set_stage(former.model_id, Stage.RETIRED, former.decision)
        self._set_stage(model.model_id, Stage.CHAMPION, model.decision)
        self.connection.execute(delete(CHAMPIONS).where(CHAMPIONS.c.tenant == model.tenant))
        row = {"tenant": model.tenant, "model_id": model.model_id, "promoted_at": at}
        self.connection.execute(insert(CHAMPIONS).values(row))
        self._record(model, decided_by, at)

    def _set_stage(self, model_id: str, stage: Stage, decision: str) -> None:
        change = update(MODELS).where(MODELS.c.model_id == model_id)
        self.connection.execute(change.values(stage=stage.value, decision=decision))

    def _record(self, model: StoredModel, decided_by: str, at: datetime) -> None:
        row = {
            "tenant": model.tenant,
            "model_id": model.model_id,
            "decision": model.decision,
            "decided_by": decided_by,
            "decided_at": at,
        }
        self.connection.execute(insert(DECISIONS).values(row))


def _model(row: RowMapping) -> StoredModel:
    values = {field.name: row[field.name] for field in fields(StoredModel)}
    values["stage"] = Stage(row["stage"])
    values["metrics"] = ModelMetrics(**row["metrics"])
    return StoredModel(**values)
