"""A trained model as the registry keeps it, and who of a training becomes champion."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Stage(Enum):
    """Part that a model plays for its tenant."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"
    RETIRED = "retired"


class Promotion(Enum):
    """What becomes of a freshly trained model."""

    GATE = "gate"
    NEVER = "never"
    FORCE = "force"


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """Figures on held-out days; None where undefined, with the reason beside it."""

    wape: float | None = None
    """Sum of absolute errors over sum of demand, a share."""
    wql: float | None = None
    """Twice the pinball loss over the sum of demand, mean over the levels 0.1 to 0.9, a share."""
    coverage_90: float | None = None
    """Share of days inside the central 90 % interval."""
    bias: float | None = None
    """Sum of forecasts over sum of demand, less 1."""
    null_reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a figure is None, by name."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A trained forecaster of one tenant."""

    model_id: str
    tenant: str
    forecaster: str
    model_version: str
    """YYYYMMDD_HHMMSS; the models of one training share it."""
    stage: Stage
    snapshot_id: str
    data_version: str
    seed: int
    series_count: int
    fit_seconds: float
    metrics: ModelMetrics
    artefact_path: str
    """Folder of the artefact, relative to the store's root."""
    digest: str
    """SHA-256 of the manifest, lower-case hex."""
    decision: str
    job_id: str
    trained_at: datetime


FLAGSHIP: Final = "gru"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which candidate becomes champion, and one sentence of reason for each model by forecaster."""

    champion: str | None
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A forecaster with its figures on the held-out days."""

    forecaster: str
    metrics: ModelMetrics


@dataclass(frozen=True, slots=True)
class Gate:
    """The conditions under which a challenger becomes champion."""

    coverage_low: float = 0.80
    coverage_high: float = 0.98
    """Bounds of the share inside the 90 % interval, both allowed."""
    most_wape_loss: float = 0.03
    """How much worse than the present champion's its WAPE may be, as a share of it."""
    tie: float = 0.01
    """A WQL within this share of the best counts as equal; the flagship then goes first."""

    def decide(self, candidates: list[Candidate], present: ModelMetrics | None) -> Decision:
        """Choose among the candidates of one training.

        present: figures of the present champion on the same days; None when there is none.
        """
        reasons = {c.forecaster: self._refusal(c.metrics, present) for c in candidates}
        fit = [c for c in candidates if not reasons[c.forecaster]]
        best = min((c.metrics.wql or 0.0 for c in fit), default=0.0)
        tied = [c for c in fit if (c.metrics.wql or 0.0) <= best * (1 + self.tie)]
        winner = min(tied, key=lambda c: (c.forecaster != FLAGSHIP, c.metrics.wql or 0.0), default=None)
        for candidate in fit:
            reasons[candidate.forecaster] = _sentence(candidate, winner, best, present)
        return Decision(winner.forecaster if winner else None, reasons)

    def _refusal(self, metrics: ModelMetrics, present: ModelMetrics | None) -> str:
        """Say why the figures do not pass; empty when they do."""
        if metrics.wql is None or metrics.wape is None or metrics.coverage_90 is None:
            return "Not promoted: there were too few held-out days to score it."
        if not self.coverage_low <= metrics.coverage_90 <= self.coverage_high:
            band = f"{self.coverage_low:.0%} to {self.coverage_high:.0%}"
            return (
                f"Not promoted: its 90 % interval held {metrics.coverage_90:.1%} of the days, outside {band}."
            )
        if present is None or present.wql is None or present.wape is None:
            return ""
        if metrics.wape > present.wape * (1 + self.most_wape_loss):
            return f"Not promoted: WAPE {metrics.wape:.4f} against {present.wape:.4f} of the champion."
        if metrics.wql > present.wql * (1 + self.tie):
            return f"Not promoted: WQL {metrics.wql:.4f} against {present.wql:.4f} of the champion."
        return ""


def _sentence(
    candidate: Candidate, winner: Candidate | None, best: float, present: ModelMetrics | None
) -> str:
    figures = f"WQL {candidate.metrics.wql:.4f}, WAPE {candidate.metrics.wape:.4f}"
    if winner is None or candidate.forecaster != winner.forecaster:
        name = "none" if winner is None else winner.forecaster
        return f"Not promoted: {figures}; {name} was chosen."
    tied = "" if (candidate.metrics.wql or 0.0) <= best else f", within 1 % of the best ({best:.4f})"
    against = "the first champion" if present is None else "not worse than the champion on the same days"
    return f"Promoted: {figures}{tied}; {against}."
