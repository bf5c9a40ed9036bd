"""What a forecast or a training is asked with, beyond the series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ForecastOptions:
    """How forecasts are made and told; the defaults are the service's."""

    confidence_interval: float | None = None
    """Probability of the central interval, above 0 and below 1; `None` is 0.95."""
    quantiles: Sequence[float] = ()
    """Levels of wanted quantiles, each above 0 and below 1."""
    model: str | None = None
    """Forecaster; `None` is the champion."""
    as_of: str | None = None
    """Last business date whose sales may be used, YYYY-MM-DD; `None` is the newest."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a training learns from and what becomes of its models; the defaults are the service's."""

    shop_ids: Sequence[str] = ()
    """Shops to learn from; none means all."""
    product_ids: Sequence[str] = ()
    """Products to learn from; none means all."""
    models: Sequence[str] = ()
    """Forecasters to train: gru, lightgbm, factor, seasonal_naive; none means all of them."""
    promote: Literal["gate", "never", "force"] | None = None
    """What becomes of the new models; `None` lets the gate decide."""
    seed: int | None = None
    """Seed of all random choices; `None` is 1."""
