"""The pooled factor model: level x season, with quantiles from its own held-out errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_model.adapters.normaliser import Normaliser, Outcome, fit_normaliser, load_normaliser
from shelfcast_model.domain.sampling import CALIBRATION_DAYS

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from shelfcast_model.domain.features import Normalised
    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.ports import FitProgress, FitSettings, FittedForecaster, ForecastBatch

NAME: Final = "factor"


@dataclass(frozen=True, slots=True)
class FittedFactorModel:
    """A fitted pooled factor model."""

    normaliser: Normaliser
    name: str = NAME

    def forecast(self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...]) -> ForecastBatch:
        """Forecast every series of the panel; see the port."""
        return self.normaliser.forecast(panel, origin, horizon, levels, expected_alone)

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def save(self, folder: Path) -> None:
        """Write the tables into a folder."""
        self.normaliser.save(folder)


@dataclass(frozen=True, slots=True)
class FactorModel:
    """Learns season, levels and the spread of its errors, without a network."""

    name: str = NAME

    def fit(self, panel: Panel, settings: FitSettings, progress: FitProgress) -> FittedForecaster:
        """Learn from all days of the panel; see the port."""
        del settings  # nothing is random, nothing is tuned
        progress.report("season", 0, 1)
        normaliser = fit_normaliser(panel)
        data = normaliser.prepare(panel, CALIBRATION_DAYS)
        progress.report("season", 1, 1)
        return FittedFactorModel(normaliser.calibrated(panel, data, expected_alone))

    def load(self, folder: Path) -> FittedForecaster:
        """Read what `save` wrote; see the port."""
        return FittedFactorModel(load_normaliser(folder))


def expected_alone(
    data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp], horizons: NDArray[np.intp]
) -> Outcome:
    """Say that demand is just what level and season expect, with Poisson noise before correction."""
    scale = data.level[rows, origins][:, None] * data.factor_ahead[rows[:, None], origins[:, None] + horizons]
    noise = np.sqrt(1.0 / np.maximum(scale, 0.05))[..., None] * _SCORES
    return Outcome(np.ones(horizons.shape), np.maximum(1.0 + noise, 0.0))


_SCORES: Final = np.array([-1.96, -1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645, 1.96])
