"""What the model service needs from outside its rings: forecasters, history, registry, store and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime
    from pathlib import Path

    from numpy.typing import NDArray
    from shelfcast_servicekit.jobs.context import JobContext
    from shelfcast_servicekit.jobs.domain import Job, JobSubmission

    from shelfcast_model.domain.history import History
    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.domain.stored_model import StoredModel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a forecaster is fitted; the same settings, panel and seed give the same forecaster."""

    seed: int = 1
    """Seed of all random choices."""
    steps: int | None = None
    """Training steps of the network; None lets the size of the panel decide."""
    max_horizon: int = 92
    """Longest horizon that is learned, in days; longer ones are forecast from the same shape."""


@dataclass(frozen=True, slots=True)
class ForecastBatch:
    """Forecasts of the series of a panel, in its order.

    Shapes: mean float64[n_series, horizon]; quantiles float64[n_series, horizon, n_levels]; units, 0 or
    more, never NaN; quantiles ascend with their levels.
    """

    mean: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    levels: tuple[float, ...]


class FitProgress(Protocol):
    """Hears how far a fit is, and says whether it should go on."""

    def report(self, phase: str, done: int, total: int) -> None:
        """Note that `done` of `total` units of a phase are done. Raises: TrainingStopped when asked to."""


class FittedForecaster(Protocol):
    """A forecaster that has learned; new history is used without a new fit."""

    @property
    def name(self) -> str:
        """Name of the forecaster, for instance `gru`."""

    def forecast(self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...]) -> ForecastBatch:
        """Forecast every series of the panel for the `horizon` days after `origin`.

        Nothing after `origin` is read but planned prices and promotions. Series that the fit has not seen,
        and series without any observation, get a forecast too. horizon: 1 to 365; levels: ascending.
        """

    def warm_up(self) -> None:
        """Compile whatever is compiled on first use."""

    def save(self, folder: Path) -> None:
        """Write everything that `load` of the same adapter needs into an existing empty folder."""


class Forecaster(Protocol):
    """A way to learn from a panel."""

    @property
    def name(self) -> str:
        """Name of the forecaster, for instance `gru`."""

    def fit(self, panel: Panel, settings: FitSettings, progress: FitProgress) -> FittedForecaster:
        """Learn from all days of the panel. Raises: HistoryEmpty, TrainingStopped."""

    def load(self, folder: Path) -> FittedForecaster:
        """Read a fitted forecaster that `save` wrote. Raises: ArtefactDamaged."""


class ForecasterFailed(Exception):
    """A forecaster gave no usable figures."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A tenant's history, and whether it shows the newest data version that anybody has announced."""

    history: History
    is_current: bool


class SalesHistory(Protocol):
    """The sales of each tenant, held in memory and kept up to date."""

    async def view(self, tenant: str, announced: str | None) -> HistoryView:
        """Give the history, at the announced data version if that can be had soon.

        announced: newest data version; None when nobody announces one and the data service is asked.
        Raises: HistoryEmpty; UpstreamUnavailable when there is nothing held and data is away.
        """


class RegistryTx(Protocol):
    """What may be done with the model registry inside one transaction."""

    def model(self, tenant: str, model_id: str) -> StoredModel:
        """Give a model of the tenant. Raises: ModelNotFound."""

    def models(
        self, tenant: str, limit: int, before: tuple[datetime, str] | None = None
    ) -> list[StoredModel]:
        """Give models, newest first, after the position (trained_at, model_id)."""

    def newest(self, tenant: str, forecaster: str) -> StoredModel | None:
        """Give the newest model of a forecaster, or None."""

    def forecasters(self, tenant: str) -> list[str]:
        """Give the names of all forecasters that were ever trained."""

    def version_exists(self, tenant: str, model_version: str) -> bool:
        """Say whether a training of the tenant has taken the version."""

    def trained_by(self, tenant: str, job_id: str) -> list[StoredModel]:
        """Give the models that a training job has registered."""

    def champion(self, tenant: str) -> StoredModel | None:
        """Give the tenant's champion, or None."""

    def champions(self, tenants: list[str] | None = None) -> Mapping[str, StoredModel]:
        """Give the champions of the named tenants, or of all, by tenant."""

    def add(self, model: StoredModel, decided_by: str) -> None:
        """Register a trained model as challenger, with the decision on it."""

    def crown(self, model: StoredModel, decided_by: str, at: datetime) -> None:
        """Make a registered model the champion of its tenant; the former one retires."""


class Registry(Protocol):
    """The model registry: one closure, one transaction."""

    async def transact(self, work: Callable[[RegistryTx], T]) -> T:
        """Commit everything that `work` does, or nothing."""

    async def read(self, work: Callable[[RegistryTx], T]) -> T:
        """Give what `work` reads."""


class ArtefactStore(Protocol):
    """Stored forecasters."""

    async def load(self, model: StoredModel) -> FittedForecaster:
        """Give a stored forecaster, checked and warmed up. Raises: ArtefactDamaged."""

    async def problem_of(self, model: StoredModel) -> str:
        """Say why the files of a model cannot be used; empty when they can."""


class FallbackForecasters(Protocol):
    """Forecasters that need no training job: fitted quickly in the process on the history itself."""

    async def fitted(self, name: str, history: History) -> FittedForecaster:
        """Give `factor` or `seasonal_naive`, fitted on this history. Raises: HistoryEmpty."""


class ForecastCompute(Protocol):
    """Runs forecasters off the event loop, requests in flight together."""

    async def forecast(self, task: ForecastTask) -> ForecastBatch:
        """Give the forecasts of a task, in the order of its positions.

        Raises: ForecasterFailed; DeadlineExceeded.
        """


@dataclass(frozen=True, slots=True)
class ForecastTask:
    """Some series of a history to be forecast by one forecaster."""

    forecaster: FittedForecaster
    history: History
    positions: tuple[int, ...]
    """Rows of the series in the history."""
    origin: date
    horizon: int
    levels: tuple[float, ...]


class Jobs(Protocol):
    """Jobs of this service."""

    async def submit(self, submission: JobSubmission) -> Job:
        """Store a job as pending and have it announced. Raises: IdempotencyKeyReused."""


class TrainingSource(Protocol):
    """Sales to learn from; blocking."""

    def newest(self, tenant: str) -> History:
        """Give the whole history at the newest data version. Raises: HistoryEmpty; UpstreamUnavailable."""


class ArtefactVault(Protocol):
    """Where a training puts what it learned; blocking."""

    def put(
        self, fitted: FittedForecaster, place: tuple[str, str], facts: Mapping[str, object]
    ) -> tuple[str, str]:
        """Store a fitted forecaster at (tenant, model version); give its path and its manifest's digest."""

    def open(self, model: StoredModel) -> FittedForecaster:
        """Give a stored forecaster. Raises: ArtefactDamaged."""


class TrainingRegistry(Protocol):
    """The registry as a training job sees it; blocking."""

    def now(self) -> datetime:
        """Give the time."""

    def read(self, work: Callable[[RegistryTx], T]) -> T:
        """Give what `work` reads."""

    def commit(self, work: Callable[[RegistryTx], T], context: JobContext) -> T:
        """Commit what `work` does, if the job is still held. Raises: JobLeaseLost."""
