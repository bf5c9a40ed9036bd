"""What is asked of a forecast, and what a forecast of one series says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date, datetime

    import numpy as np
    from numpy.typing import NDArray

    from shelfcast_model.domain.sales_grid import SeriesKey

AUTO: Final = "auto"
DEFAULT_HORIZON: Final = 14
DEFAULT_CONFIDENCE: Final = 0.95
DEFAULT_LEVELS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
SHORT_HISTORY_DAYS: Final = 56
"""A series with fewer observed days has a `short_history`; with none, it is a `cold_start`."""


class Rung(Enum):
    """Step of the degradation ladder; a model asked for by name stands on none."""

    CHAMPION = "champion"
    LAST_GOOD = "last_good"
    STATISTICAL = "statistical"
    NAIVE = "naive"
    NONE = "none"


class Basis(Enum):
    """What a forecast is based on."""

    HISTORY = "history"
    SHORT_HISTORY = "short_history"
    COLD_START = "cold_start"


def basis_of(observed_days: int) -> Basis:
    """Give the basis of a forecast from a number of observed days.

    >>> basis_of(0), basis_of(1), basis_of(56)
    (<Basis.COLD_START: 'cold_start'>, <Basis.SHORT_HISTORY: 'short_history'>, <Basis.HISTORY: 'history'>)
    """
    if observed_days == 0:
        return Basis.COLD_START
    return Basis.SHORT_HISTORY if observed_days < SHORT_HISTORY_DAYS else Basis.HISTORY


@dataclass(frozen=True, slots=True)
class ForecastOptions:
    """How a forecast is to be made."""

    horizon: int = DEFAULT_HORIZON
    """Days, 1 to 365."""
    confidence_interval: float = DEFAULT_CONFIDENCE
    """Probability of the central interval, above 0 and below 1."""
    quantile_levels: tuple[float, ...] = DEFAULT_LEVELS
    """Wanted quantiles, ascending and distinct, each above 0 and below 1."""
    model: str = AUTO
    """Forecaster, or `auto` for the champion."""
    as_of: date | None = None
    """Last business date whose sales may be used; None means the newest."""

    def interval_levels(self) -> tuple[float, float]:
        """Give the levels of the two ends of the central interval."""
        tail = round((1.0 - self.confidence_interval) / 2.0, 12)
        return tail, round(1.0 - tail, 12)

    def all_levels(self) -> tuple[float, ...]:
        """Give the wanted levels and the two ends of the interval, ascending.

        >>> ForecastOptions(confidence_interval=0.8, quantile_levels=(0.5,)).all_levels()
        (0.1, 0.5, 0.9)
        """
        return tuple(sorted({*self.quantile_levels, *self.interval_levels()}))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made a forecast, from what, and when."""

    method: str
    """Forecaster, for instance `gru`."""
    model_version: str | None
    """YYYYMMDD_HHMMSS; None when no trained model took part."""
    trained_at: datetime | None
    data_version: str
    made_at: datetime
    rung: Rung


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """Demand that is expected of one series.

    Shapes: mean, lower, upper [horizon]; quantiles [horizon, n_levels]; units, 0 or more, ordered.
    """

    series: SeriesKey
    origin_date: date
    """Last day whose sales were used; the first prediction is the day after."""
    options: ForecastOptions
    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    basis: Basis
    provenance: Provenance
