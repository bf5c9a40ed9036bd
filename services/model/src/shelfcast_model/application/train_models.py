"""Train forecasters on the newest data, score them on the last days, register them, choose a champion."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.jobs.domain import JobOutcome

from shelfcast_model.application.score import first_held_out, holdout_of, score, unscored
from shelfcast_model.domain.stored_model import Candidate, Decision, Gate, Promotion, Stage, StoredModel
from shelfcast_model.errors import HistoryEmpty
from shelfcast_model.ports import FitSettings, ForecasterFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from shelfcast_servicekit.jobs.context import JobContext

    from shelfcast_model.domain.history import History
    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.domain.stored_model import ModelMetrics
    from shelfcast_model.ports import (
        ArtefactVault,
        FittedForecaster,
        Forecaster,
        RegistryTx,
        TrainingRegistry,
        TrainingSource,
    )

REFITTED: Final = frozenset({"seasonal_naive", "factor"})
"""Forecasters that learn in a second: after scoring they are fitted again on all days."""
UNSCORED_ORDER: Final = ("factor", "seasonal_naive", "lightgbm", "gru")
"""Who answers first when the history is too short to score anybody: who needs the least of it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A forecaster after its fit."""

    fitted: FittedForecaster
    metrics: ModelMetrics
    fit_seconds: float


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one training works on."""

    history: History
    panel: Panel
    cut_off: date | None
    """Last day that is learned from before scoring; None when the history is too short to score."""
    model_version: str
    settings: FitSettings


@dataclass(frozen=True, slots=True)
class TrainModels:
    """Does jobs of kind `train`, in a process of its own.

    Each forecaster learns from all days but the last ones, is scored on those, and serves as it is: new
    history is used without a fit. The quick ones are fitted again on all days.
    """

    source: TrainingSource
    forecaster: Callable[[str], Forecaster]
    vault: ArtefactVault
    registry: TrainingRegistry
    holdout_days: int
    train_steps: int | None = None
    """Steps of the network; None lets the size of the data decide."""
    gate: Gate = field(default_factory=Gate)
    isolated: bool = True

    def run(self, context: JobContext) -> JobOutcome:
        """Train what was asked for. Raises: HistoryEmpty, ModelUnknown, JobStopped."""
        done = self.registry.read(lambda tx: tx.trained_by(context.tenant, context.job.job_id))
        return JobOutcome(_result(done or self._train(context)))

    def _train(self, context: JobContext) -> list[StoredModel]:
        context.progress("reading", 0, 1)
        run = self._prepared(context)
        names = [str(name) for name in _list(context.input["models"])]
        trained: dict[str, Trained] = {}
        for index, name in enumerate(names):
            trained[name] = self._fit(run, name, _Progress(context, f"fitting {name}", index, len(names)))
        context.progress("storing", 0, len(names))
        promotion = Promotion(str(context.input["promote"]))
        decision = self._decide(context.tenant, run, trained, promotion)
        stored = [self._store(context, run, item, decision) for item in trained.values()]
        context.check_cancelled()
        return self._register(context, stored, decision)

    def _prepared(self, context: JobContext) -> TrainingRun:
        history = self.source.newest(context.tenant)
        panel = _selected(history, context.input)
        holdout = holdout_of(panel, self.holdout_days)
        return TrainingRun(
            history=history,
            panel=panel,
            cut_off=first_held_out(panel, holdout) if holdout else None,
            model_version=self._version(context.tenant, context.job.submitted_at),
            settings=FitSettings(seed=int(str(context.input["seed"])), steps=self.train_steps),
        )

    def _version(self, tenant: str, submitted_at: datetime) -> str:
        """Give the version of this training, the same for each attempt: when it was asked for."""
        at = submitted_at
        while True:
            version = at.strftime("%Y%m%d_%H%M%S")
            if not self.registry.read(partial(_version_exists, tenant, version)):
                return version
            at += timedelta(seconds=1)

    def _fit(self, run: TrainingRun, name: str, progress: _Progress) -> Trained:
        started = time.perf_counter()
        forecaster = self.forecaster(name)
        if run.cut_off is None:
            fitted = forecaster.fit(run.panel, run.settings, progress)
            return Trained(fitted, unscored(), time.perf_counter() - started)
        fitted = forecaster.fit(run.panel.up_to(run.cut_off), run.settings, progress)
        seconds = time.perf_counter() - started
        metrics = score(fitted, run.panel, run.cut_off)
        if name in REFITTED:
            fitted = forecaster.fit(run.panel, run.settings, progress)
        return Trained(fitted, metrics, seconds)

    def _decide(
        self, tenant: str, run: TrainingRun, trained: Mapping[str, Trained], promotion: Promotion
    ) -> Decision:
        candidates = [Candidate(name, item.metrics) for name, item in trained.items()]
        if promotion is Promotion.NEVER:
            return Decision(None, dict.fromkeys(trained, "Not promoted: the training was asked not to."))
        present = self._present(tenant, run)
        decision = self.gate.decide(candidates, present)
        has_champion = self.registry.read(lambda tx: tx.champion(tenant)) is not None
        if decision.champion is None and (promotion is Promotion.FORCE or not has_champion):
            return _chosen_anyway(trained, decision, promotion)
        return decision

    def _present(self, tenant: str, run: TrainingRun) -> ModelMetrics | None:
        """Score the present champion on the same days; None when there is none that can be scored."""
        model = self.registry.read(lambda tx: tx.champion(tenant))
        if model is None or run.cut_off is None:
            return None
        try:
            return score(self.vault.open(model), run.panel, run.cut_off)
        except (ShelfcastError, ForecasterFailed):
            return None  # it cannot serve either: the gate has nothing to hold on to

    def _store(self, context: JobContext, run: TrainingRun, item: Trained, decision: Decision) -> StoredModel:
        context.check_cancelled()
        facts = _facts(run, item)
        path, digest = self.vault.put(item.fitted, (context.tenant, run.model_version), facts)
        return StoredModel(
            model_id=str(uuid.uuid4()),
            tenant=context.tenant,
            forecaster=item.fitted.name,
            model_version=run.model_version,
            stage=Stage.CHALLENGER,
            snapshot_id=run.history.snapshot_id,
            data_version=run.history.data_version,
            seed=run.settings.seed,
            series_count=len(run.panel.series),
            fit_seconds=item.fit_seconds,
            metrics=item.metrics,
            artefact_path=path,
            digest=digest,
            decision=decision.reasons[item.fitted.name],
            job_id=context.job.job_id,
            trained_at=self.registry.now(),
        )

    def _register(
        self, context: JobContext, stored: Sequence[StoredModel], decision: Decision
    ) -> list[StoredModel]:
        """Register all and crown the chosen one, in one transaction that only the job's holder may end."""
        by = f"job:{context.job.job_id}"

        def register(tx: RegistryTx) -> list[StoredModel]:
            for model in stored:
                tx.add(model, by)
            for model in stored:
                if model.forecaster == decision.champion:
                    tx.crown(model, by, model.trained_at)
            return tx.trained_by(context.tenant, context.job.job_id)

        return self.registry.commit(register, context)


class _Progress:
    """Tells a fit's progress as the job's: whole forecasters, and the share of the one under way."""

    def __init__(self, context: JobContext, phase: str, index: int, count: int) -> None:
        self._context = context
        self._phase = phase
        self._index = index
        self._count = count

    def report(self, phase: str, done: int, total: int) -> None:
        """Note progress. Raises: JobStopped when the job must end."""
        del phase  # the job's phase is the forecaster
        share = done / total if total else 0.0
        self._context.progress(self._phase, round(self._index + min(share, 1.0), 3), float(self._count))


def _version_exists(tenant: str, version: str, tx: RegistryTx) -> bool:
    return tx.version_exists(tenant, version)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _selected(history: History, wanted: Mapping[str, object]) -> Panel:
    """Give the panel of the wanted shops and products. Raises: HistoryEmpty when there are none."""
    shops, products = set(_list(wanted["shop_ids"])), set(_list(wanted["product_ids"]))
    rows = [
        row
        for row, key in enumerate(history.panel.series)
        if (not shops or key.shop_id in shops) and (not products or key.product_id in products)
    ]
    if not rows:
        raise HistoryEmpty
    return history.panel if len(rows) == len(history.panel.series) else history.panel.select(rows)


def _chosen_anyway(trained: Mapping[str, Trained], refused: Decision, promotion: Promotion) -> Decision:
    """Choose although the gate chose none: somebody forces it, or the tenant has no champion at all."""
    scored = [name for name in UNSCORED_ORDER if name in trained and trained[name].metrics.wql is not None]
    name = min(scored, key=lambda n: trained[n].metrics.wql or 0.0, default="") or next(
        name for name in UNSCORED_ORDER if name in trained
    )
    why = "the training was asked to" if promotion is Promotion.FORCE else "there is no other champion"
    return Decision(name, {**refused.reasons, name: f"Promoted although it did not pass: {why}."})


def _facts(run: TrainingRun, item: Trained) -> dict[str, object]:
    metrics = item.metrics
    return {
        "model_version": run.model_version,
        "seed": run.settings.seed,
        "max_horizon": run.settings.max_horizon,
        "snapshot_id": run.history.snapshot_id,
        "data_version": run.history.data_version,
        "learned_to": (run.cut_off or run.panel.end).isoformat(),
        "series_count": len(run.panel.series),
        "metrics": {"wape": metrics.wape, "wql": metrics.wql, "coverage_90": metrics.coverage_90},
    }


def _result(models: Sequence[StoredModel]) -> dict[str, object]:
    """Give the small result of the job: what was trained, how good it is, and who is champion."""
    champion = next((model.forecaster for model in models if model.stage is Stage.CHAMPION), None)
    return {
        "model_version": models[0].model_version,
        "champion": champion,
        "models": [
            {
                "model_id": model.model_id,
                "forecaster": model.forecaster,
                "fit_seconds": round(model.fit_seconds, 3),
                "wape": model.metrics.wape,
                "wql": model.metrics.wql,
                "coverage_90": model.metrics.coverage_90,
                "decision": model.decision,
            }
            for model in models
        ],
    }
