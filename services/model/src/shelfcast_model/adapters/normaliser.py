"""What every learner shares: season, levels of look-alikes, window and conformal correction, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from shelfcast_model.domain.conformal import Conformal, fit_conformal, no_correction
from shelfcast_model.domain.features import MEMORY_DAYS, Normalised, normalise, normalised_target
from shelfcast_model.domain.level import LevelPrior, choose_window, fit_prior
from shelfcast_model.domain.quantile import LEARNED_LEVELS, at_levels
from shelfcast_model.domain.sampling import calibration_origins
from shelfcast_model.domain.season import Season, fit_season
from shelfcast_model.errors import ArtefactDamaged, HistoryEmpty
from shelfcast_model.ports import ForecastBatch

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shelfcast_model.domain.panel import Panel

FILE: Final = "normaliser.json"
_CALIBRATION_SERIES: Final = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a learner says of target days, on the normalised scale.

    Shapes: mean [n, h]; quantiles [n, h, len(LEARNED_LEVELS)].
    """

    mean: NDArray[np.float64]
    quantiles: NDArray[np.float64]


class Learned(Protocol):
    """What was learned, asked on the normalised scale: a network, boosters, or nothing at all."""

    def __call__(
        self,
        data: Normalised,
        rows: NDArray[np.intp],
        origins: NDArray[np.intp],
        horizons: NDArray[np.intp],
        /,
    ) -> Outcome:
        """Say what is expected of target days; rows and origins [n], horizons [n, h]."""


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Takes season and level out of a panel, and puts them back into what was learned."""

    season: Season
    prior: LevelPrior
    window_days: int
    conformal: Conformal

    def prepare(self, panel: Panel, ahead_days: int) -> Normalised:
        """Give the normalised panel with room for `ahead_days` planned days."""
        return normalise(panel, self.season, self.prior, self.window_days, ahead_days)

    def forecast(
        self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...], learned: Learned
    ) -> ForecastBatch:
        """Forecast the days after `origin` with what was learned; see FittedForecaster.forecast."""
        data = self.prepare(recent(panel, origin), horizon)
        count, last = data.ratio.shape
        rows, origins = np.arange(count), np.full(count, last - 1)
        horizons = np.broadcast_to(np.arange(1, horizon + 1), (count, horizon))
        outcome = learned(data, rows, origins, horizons)
        scale = data.level[:, -1:] * data.factor_ahead[:, last:]
        quantiles = self.conformal.corrected(outcome.quantiles, horizons, scale)
        return ForecastBatch(
            np.maximum(outcome.mean, 0.0) * scale, at_levels(quantiles, levels) * scale[..., None], levels
        )

    def calibrated(self, panel: Panel, data: Normalised, learned: Learned) -> Normaliser:
        """Give the normaliser with the correction that the held-out last days call for."""
        origins = calibration_origins(panel.day_count)
        if not origins:
            return self
        step = -(-len(panel.series) // _CALIBRATION_SERIES)
        series = np.arange(0, len(panel.series), step)
        rows = np.tile(series, len(origins))
        columns = np.repeat(origins, len(series))
        horizons = np.broadcast_to(np.arange(1, 57), (len(rows), 56))
        actual, observed, scale = normalised_target(data, rows, columns, horizons)
        outcome = learned(data, rows, columns, horizons)
        quantiles = np.maximum.accumulate(np.maximum(outcome.quantiles, 0.0), axis=-1)
        seen = observed.astype(bool)
        conformal = fit_conformal(
            quantiles, actual.astype(np.float64), seen, horizons, scale.astype(np.float64)
        )
        return replace(self, conformal=conformal)

    def save(self, folder: Path) -> None:
        """Write the tables as JSON into a folder."""
        (folder / FILE).write_text(json.dumps(_to_json(self)), encoding="utf-8")


def recent(panel: Panel, origin: date) -> Panel:
    """Give the panel up to the origin, and no further back than features reach."""
    known = panel.up_to(origin)
    skipped = max(0, known.day_count - MEMORY_DAYS)
    if not skipped:
        return known
    start = date.fromordinal(known.start.toordinal() + skipped)
    return replace(
        known,
        start=start,
        quantity=known.quantity[:, skipped:],
        price=None if known.price is None else known.price[:, skipped:],
        promotion=None if known.promotion is None else known.promotion[:, skipped:],
    )


def fit_normaliser(panel: Panel) -> Normaliser:
    """Fit season, window and look-alikes on all days of a panel. Raises: HistoryEmpty."""
    if not panel.series or not (~np.isnan(panel.quantity)).any():
        raise HistoryEmpty
    season = fit_season(panel)
    factor = np.broadcast_to(season.factors(panel, panel.day_count), panel.quantity.shape)
    window = choose_window(panel, factor)
    return Normaliser(season, fit_prior(panel, factor, window), window, no_correction())


def load_normaliser(folder: Path) -> Normaliser:
    """Read the tables that `Normaliser.save` wrote. Raises: ArtefactDamaged."""
    try:
        return _from_json(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactDamaged(file=FILE) from error


def _to_json(normaliser: Normaliser) -> dict[str, object]:
    season, prior = normaliser.season, normaliser.prior
    return {
        "levels": list(LEARNED_LEVELS),
        "window_days": normaliser.window_days,
        "conformal": normaliser.conformal.shift.tolist(),
        "prior": {"products": dict(prior.products), "shops": dict(prior.shops), "overall": prior.overall},
        "season": {
            "shops": list(season.shops),
            "weekday": season.weekday.tolist(),
            "month": season.month.tolist(),
            "is_smooth": season.is_smooth,
            "promotion_uplift": season.promotion_uplift,
            "price_elasticity": season.price_elasticity,
        },
    }


def _from_json(tables: dict[str, object]) -> Normaliser:
    season, prior = tables["season"], tables["prior"]
    if not isinstance(season, dict) or not isinstance(prior, dict):
        raise TypeError(FILE)
    season |= {"shops": tuple(season["shops"])}
    season |= {name: np.array(season[name]) for name in ("weekday", "month")}
    return Normaliser(
        Season(**season),
        LevelPrior(**prior),
        int(str(tables["window_days"])),
        Conformal(np.array(tables["conformal"])),
    )
