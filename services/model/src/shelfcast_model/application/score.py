"""Score a fitted forecaster on the last days, which it has not seen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shelfcast_model.domain import metric
from shelfcast_model.domain.stored_model import ModelMetrics

if TYPE_CHECKING:
    from datetime import date

    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.ports import FittedForecaster

WQL_LEVELS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEVELS: Final = (0.05, *WQL_LEVELS, 0.95)
SHORTEST_LEARNED_DAYS: Final = 28
LARGEST_HOLDOUT_SHARE: Final = 5
TOO_SHORT: Final = "HISTORY_TOO_SHORT"
NOTHING_SOLD: Final = "NOTHING_SOLD"


def holdout_of(panel: Panel, wanted_days: int) -> int:
    """Give how many last days to score on: at most a fifth, and 0 where too little is left to learn from.

    >>> from datetime import date; import numpy as np
    >>> from shelfcast_model.domain.panel import Panel
    >>> holdout_of(Panel((), date(2026, 1, 1), np.zeros((0, 100))), 28)
    20
    """
    days = min(wanted_days, panel.day_count // LARGEST_HOLDOUT_SHARE)
    return days if panel.day_count - days >= SHORTEST_LEARNED_DAYS else 0


def score(forecaster: FittedForecaster, panel: Panel, cut_off: date) -> ModelMetrics:
    """Give the figures on all days of the panel after `cut_off`."""
    days = (panel.end - cut_off).days
    actual = panel.quantity[:, panel.day_count - days :]
    batch = forecaster.forecast(panel.up_to(cut_off), cut_off, days, LEVELS)
    figures = {
        "wape": metric.wape(actual, batch.mean),
        "wql": metric.wql(actual, batch.quantiles[:, :, 1:-1], WQL_LEVELS),
        "coverage_90": metric.coverage(actual, batch.quantiles[:, :, 0], batch.quantiles[:, :, -1]),
        "bias": metric.bias(actual, batch.mean),
    }
    reasons = {name: NOTHING_SOLD for name, value in figures.items() if value is None}
    return ModelMetrics(**figures, null_reasons=reasons)


def unscored() -> ModelMetrics:
    """Give the figures of a model that could not be scored."""
    return ModelMetrics(null_reasons=dict.fromkeys(("wape", "wql", "coverage_90", "bias"), TOO_SHORT))


def first_held_out(panel: Panel, holdout_days: int) -> date:
    """Give the cut-off: the last day that may be learned from."""
    return panel.end - timedelta(days=holdout_days)
