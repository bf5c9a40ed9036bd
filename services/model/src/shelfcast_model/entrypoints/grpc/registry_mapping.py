"""Models of the registry as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast.registry.v1 import model_pb2

from shelfcast_model.domain.stored_model import Stage

if TYPE_CHECKING:
    from shelfcast_model.domain.stored_model import ModelMetrics, StoredModel

STAGES: Final = {
    Stage.CHALLENGER: model_pb2.MODEL_STAGE_CHALLENGER,
    Stage.CHAMPION: model_pb2.MODEL_STAGE_CHAMPION,
    Stage.RETIRED: model_pb2.MODEL_STAGE_RETIRED,
}


def model_to_proto(model: StoredModel) -> model_pb2.Model:
    """Give the message of a stored model."""
    message = model_pb2.Model(
        model_id=model.model_id,
        forecaster=model.forecaster,
        model_version=model.model_version,
        stage=STAGES[model.stage],
        snapshot_id=model.snapshot_id,
        data_version=model.data_version,
        seed=model.seed,
        series_count=model.series_count,
        fit_seconds=model.fit_seconds,
        metrics=_metrics(model.metrics),
        digest=model.digest,
        decision=model.decision,
        job_id=model.job_id,
    )
    message.trained_at.FromDatetime(model.trained_at)
    return message


def _metrics(metrics: ModelMetrics) -> model_pb2.ModelMetrics:
    return model_pb2.ModelMetrics(
        wape=metrics.wape,
        wql=metrics.wql,
        coverage_90=metrics.coverage_90,
        bias=metrics.bias,
        null_reasons=metrics.null_reasons,
    )
