"""LightGBM on the network's normalised features: one booster for the mean, one for each quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import lightgbm
import numpy as np

from shelfcast_model.adapters.normaliser import Normaliser, Outcome, fit_normaliser, load_normaliser
from shelfcast_model.domain.features import (
    STATIC_FEATURES,
    TARGET_FEATURES,
    normalised_target,
    static_features,
    target_features,
)
from shelfcast_model.domain.quantile import LEARNED_LEVELS
from shelfcast_model.domain.sampling import CALIBRATION_DAYS, LARGEST_TARGET, draw, learned_days
from shelfcast_model.errors import ArtefactDamaged

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from shelfcast_model.domain.features import Normalised
    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.ports import FitProgress, FitSettings, FittedForecaster, ForecastBatch

NAME: Final = "lightgbm"
ROWS: Final = 100_000
TREES: Final = 100
_TARGETS_A_WINDOW: Final = 8
_ROWS_AN_OBSERVATION: Final = 16
"""A small panel is not drawn from more often than this: its windows are all alike."""
_PARAMETERS: Final = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.8,
    "verbosity": -1,
    # Its threads wait by spinning: beside other work on 2 cores, 2 threads took many times as long as 1.
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
}


@dataclass(frozen=True, slots=True)
class FittedLightgbm:
    """Boosters with the tables that normalise for them."""

    normaliser: Normaliser
    boosters: tuple[lightgbm.Booster, ...]
    """The mean's, then one for each learned level."""
    name: str = NAME

    def forecast(self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...]) -> ForecastBatch:
        """Forecast every series of the panel; see the port."""
        return self.normaliser.forecast(panel, origin, horizon, levels, self.outcome)

    def outcome(
        self, data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp], horizons: NDArray[np.intp]
    ) -> Outcome:
        """Say what the boosters make of target days."""
        table = _table(data, rows, origins, horizons)
        said = [np.asarray(booster.predict(table)).reshape(horizons.shape) for booster in self.boosters]
        return Outcome(said[0], np.maximum.accumulate(np.stack(said[1:], axis=-1), axis=-1))

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def save(self, folder: Path) -> None:
        """Write tables and boosters, as text, into a folder."""
        self.normaliser.save(folder)
        for name, booster in zip(_files(), self.boosters, strict=True):
            booster.save_model(str(folder / name))


@dataclass(frozen=True, slots=True)
class Lightgbm:
    """Boosts trees on rows drawn like the network's windows."""

    rows: int = ROWS
    trees: int = TREES
    name: str = NAME

    def fit(self, panel: Panel, settings: FitSettings, progress: FitProgress) -> FittedForecaster:
        """Learn from all days of the panel; see the port."""
        normaliser = fit_normaliser(panel)
        data = normaliser.prepare(panel, max(settings.max_horizon, CALIBRATION_DAYS))
        fitted = FittedLightgbm(normaliser, self._boosters(data, panel, settings, progress))
        return FittedLightgbm(normaliser.calibrated(panel, data, fitted.outcome), fitted.boosters)

    def _boosters(
        self, data: Normalised, panel: Panel, settings: FitSettings, progress: FitProgress
    ) -> tuple[lightgbm.Booster, ...]:
        seed = np.random.default_rng(settings.seed)
        rows = min(self.rows, _ROWS_AN_OBSERVATION * int((~np.isnan(panel.quantity)).sum()))
        windows = max(1, rows // _TARGETS_A_WINDOW)
        last_day = learned_days(panel.day_count)
        drawn = draw(data.observed, last_day, windows, _TARGETS_A_WINDOW, settings.max_horizon, seed)
        where = (data, drawn.rows, drawn.origins, drawn.horizons)
        actual, observed, scale = normalised_target(*where)
        seen = observed.ravel() > 0
        weight = np.clip(np.sqrt(scale), 0.3, 10.0).ravel()[seen]
        table = _table(*where)[seen]
        target = np.minimum(actual.ravel()[seen], LARGEST_TARGET)
        training = lightgbm.Dataset(table, target, weight=weight, free_raw_data=False)
        boosters = []
        for number, objective in enumerate(_objectives()):
            progress.report("lightgbm", number, 1 + len(LEARNED_LEVELS))
            parameters = {**_PARAMETERS, **objective, "seed": settings.seed}
            boosters.append(lightgbm.train(parameters, training, self.trees))
        return tuple(boosters)

    def load(self, folder: Path) -> FittedForecaster:
        """Read what `save` wrote; see the port."""
        try:
            boosters = tuple(
                lightgbm.Booster(model_str=(folder / name).read_text(encoding="utf-8")) for name in _files()
            )
        except (OSError, ValueError, lightgbm.basic.LightGBMError) as error:
            raise ArtefactDamaged(file=NAME) from error
        return FittedLightgbm(load_normaliser(folder), boosters)


def _objectives() -> list[dict[str, object]]:
    quantiles = [{"objective": "quantile", "alpha": level} for level in LEARNED_LEVELS]
    return [{"objective": "regression"}, *quantiles]


def _files() -> list[str]:
    return ["mean.txt", *(f"q{level * 1000:03.0f}.txt" for level in LEARNED_LEVELS)]


def _table(
    data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp], horizons: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Give one line for each target day: float32[n * h, statics + targets]."""
    statics = static_features(data, rows, origins)
    targets = target_features(data, rows, origins, horizons)
    spread = np.broadcast_to(statics[:, None, :], (*horizons.shape, len(STATIC_FEATURES)))
    width = len(STATIC_FEATURES) + len(TARGET_FEATURES)
    table: NDArray[np.float32] = np.concatenate([spread, targets], axis=-1).reshape(-1, width)
    return table
