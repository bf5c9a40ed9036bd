"""Seasonal naive: what was sold on the same weekday last, with the spread of its own past errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_model.adapters.normaliser import Normaliser, fit_normaliser, load_normaliser, recent
from shelfcast_model.domain.quantile import LEARNED_LEVELS, at_levels
from shelfcast_model.ports import ForecastBatch

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.ports import FitProgress, FitSettings, FittedForecaster

NAME: Final = "seasonal_naive"
WEEK: Final = 7
YEAR: Final = 364
_ERROR_WEEKS: Final = 26
_FEWEST_ERRORS: Final = 14


@dataclass(frozen=True, slots=True)
class FittedSeasonalNaive:
    """Repeats the last season of 7 or 364 days; only series without history need what was fitted."""

    normaliser: Normaliser
    season_days: int = WEEK
    name: str = NAME

    def forecast(self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...]) -> ForecastBatch:
        """Forecast every series of the panel; see the port."""
        known = recent(panel, origin)
        prior = self.normaliser.prior.of(known)
        mean = self._repeated(known.quantity, prior, horizon)
        spread = _error_quantiles(known.quantity, self.season_days, prior)
        quantiles = mean[:, :, None] + spread[:, None, :]
        return ForecastBatch(mean, at_levels(quantiles, levels), levels)

    def _repeated(
        self, quantity: NDArray[np.float64], prior: NDArray[np.float64], horizon: int
    ) -> NDArray[np.float64]:
        """Give the newest observed day of the same place in the season; else the mean; else the prior."""
        seen = ~np.isnan(quantity)
        count = seen.sum(axis=1)
        overall = np.where(count > 0, np.nan_to_num(quantity).sum(axis=1) / np.maximum(count, 1), prior)
        days = quantity.shape[1]
        out = np.repeat(overall[:, None], horizon, axis=1)
        for ahead in range(horizon):
            columns = np.arange((days + ahead) % self.season_days, days, self.season_days)[::-1]
            if columns.size:
                known = seen[:, columns]
                newest = columns[known.argmax(axis=1)]
                value = quantity[np.arange(len(quantity)), newest]
                out[:, ahead] = np.where(known.any(axis=1), value, out[:, ahead])
        return out

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def save(self, folder: Path) -> None:
        """Write the tables into a folder."""
        self.normaliser.save(folder)


@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """Needs no learning but for series without history."""

    season_days: int = WEEK
    name: str = NAME

    def fit(self, panel: Panel, settings: FitSettings, progress: FitProgress) -> FittedForecaster:
        """Learn from all days of the panel; see the port."""
        del settings  # nothing is random, nothing is tuned
        progress.report("seasonal naive", 0, 1)
        return FittedSeasonalNaive(fit_normaliser(panel), self.season_days, self.name)

    def load(self, folder: Path) -> FittedForecaster:
        """Read what `save` wrote; see the port."""
        return FittedSeasonalNaive(load_normaliser(folder), self.season_days, self.name)


def _error_quantiles(
    quantity: NDArray[np.float64], season_days: int, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the quantiles of y - y one season before: float64[n_series, n_levels]; Poisson's where too few."""
    window = quantity[:, -(_ERROR_WEEKS * WEEK + season_days) :]
    errors = window[:, season_days:] - window[:, :-season_days]
    out: NDArray[np.float64] = np.sqrt(2 * np.maximum(prior, 1e-3))[:, None] * _SCORES
    enough = (~np.isnan(errors)).sum(axis=1) >= _FEWEST_ERRORS
    if enough.any():
        out[enough] = np.nanquantile(errors[enough], LEARNED_LEVELS, axis=1).T
    return out


_SCORES: Final = np.array([-1.96, -1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645, 1.96])
