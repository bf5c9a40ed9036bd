"""The GRU behind the forecaster's port."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shelfcast_model.adapters.keras_gru.artefact import load_network, save_network
from shelfcast_model.adapters.keras_gru.network import Shape
from shelfcast_model.adapters.keras_gru.serving import CompiledNetwork
from shelfcast_model.adapters.keras_gru.training import Schedule, steps_for, train
from shelfcast_model.adapters.normaliser import Normaliser, fit_normaliser, load_normaliser
from shelfcast_model.domain.sampling import CALIBRATION_DAYS, learned_days

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.ports import FitProgress, FitSettings, FittedForecaster, ForecastBatch

NAME: Final = "gru"


@dataclass(frozen=True, slots=True)
class FittedGru:
    """A trained network with the tables that normalise for it."""

    normaliser: Normaliser
    network: CompiledNetwork
    shape: Shape
    name: str = NAME

    def forecast(self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...]) -> ForecastBatch:
        """Forecast every series of the panel; see the port."""
        return self.normaliser.forecast(panel, origin, horizon, levels, self.network)

    def warm_up(self) -> None:
        """Compile every batch size."""
        self.network.warm_up()

    def save(self, folder: Path) -> None:
        """Write tables and weights into a folder."""
        self.normaliser.save(folder)
        save_network(self.network.network, self.shape, folder)


@dataclass(frozen=True, slots=True)
class Gru:
    """Trains the factor-normalised direct GRU."""

    shape: Shape = field(default_factory=Shape)
    name: str = NAME

    def fit(self, panel: Panel, settings: FitSettings, progress: FitProgress) -> FittedForecaster:
        """Learn from all days of the panel; see the port."""
        normaliser = fit_normaliser(panel)
        data = normaliser.prepare(panel, max(settings.max_horizon, CALIBRATION_DAYS))
        steps = settings.steps or steps_for(float(data.observed.sum()))
        schedule = Schedule(steps, learned_days(panel.day_count), settings.max_horizon, settings.seed)
        network = CompiledNetwork(train(data, self.shape, schedule, progress))
        return FittedGru(normaliser.calibrated(panel, data, network), network, self.shape)

    def load(self, folder: Path) -> FittedForecaster:
        """Read what `save` wrote; see the port."""
        network = load_network(folder)
        shape = Shape(units=network.encoder.gru.units, decoder=network.decoder.hidden.units)
        return FittedGru(load_normaliser(folder), CompiledNetwork(network), shape)
