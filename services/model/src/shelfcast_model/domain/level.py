"""The level of a series: mean demand with the season taken out, as known at each day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shelfcast_model.domain.panel import Panel

PRIOR_DAYS: Final = 7.0
"""A look-alike's level counts like this many days when a series has none of its own."""
_FADE_DAYS: Final = 14.0
_SMALLEST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class LevelPrior:
    """Levels of look-alikes, for series with little history of their own. Units a day."""

    products: Mapping[str, float] = field(default_factory=dict)
    """Mean level of a product over its shops."""
    shops: Mapping[str, float] = field(default_factory=dict)
    """Mean level of a shop's series over the mean of all series."""
    overall: float = 1.0
    """Mean level of all series."""

    def of(self, panel: Panel) -> NDArray[np.float64]:
        """Give the level that look-alikes suggest for each series: float64[n_series], above 0.

        The same product in other shops, scaled by how much the shop sells; else the shop; else all.
        """
        return np.array(
            [
                max(
                    self.products.get(key.product_id, self.overall) * self.shops.get(key.shop_id, 1.0),
                    _SMALLEST,
                )
                for key in panel.series
            ]
        )


def trailing_level(
    quantity: NDArray[np.float64],
    factor: NDArray[np.float64],
    window_days: int,
    prior: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the level at the evening of each day: float64[n_series, n_days], above 0.

    level = (sum of y + k x prior) / (sum of factor + k) over the observed days of the window, where the
    weight k of the prior fades from 7 days to 0 as observations come in.
    Shapes: quantity and factor float64[n_series, n_days], NaN quantity = not observed; prior [n_series].

    >>> round(float(trailing_level(np.full((1, 60), 4.0), np.ones((1, 60)), 28, np.ones(1))[0, -1]), 1)
    4.0
    """
    observed = ~np.isnan(quantity)
    sold = windowed_sum(np.where(observed, quantity, 0.0), window_days)
    weight = windowed_sum(np.where(observed, factor, 0.0), window_days)
    count = windowed_sum(observed.astype(np.float64), window_days)
    k = PRIOR_DAYS * np.exp(-count / _FADE_DAYS)
    return np.maximum((sold + k * prior[:, None]) / (weight + k), _SMALLEST)


def windowed_sum(values: NDArray[np.float64], window_days: int) -> NDArray[np.float64]:
    """Sum the last `window_days` columns up to each column: float64[n_series, n_days].

    >>> windowed_sum(np.array([[1.0, 2.0, 3.0]]), 2).tolist()
    [[1.0, 3.0, 5.0]]
    """
    total = np.cumsum(values, axis=1)
    out = total.copy()
    out[:, window_days:] -= total[:, :-window_days]
    return out


def fit_prior(panel: Panel, factor: NDArray[np.float64], window_days: int) -> LevelPrior:
    """Learn the levels of look-alikes from the series of a panel at its end."""
    recent = slice(max(0, panel.day_count - window_days), None)
    quantity = panel.quantity[:, recent]
    observed = ~np.isnan(quantity)
    weight = np.where(observed, factor[:, recent], 0.0).sum(axis=1)
    seen = weight > 0
    if not seen.any():
        return LevelPrior()
    level = np.nan_to_num(quantity, nan=0.0).sum(axis=1)[seen] / weight[seen]
    keys = [key for key, known in zip(panel.series, seen, strict=True) if known]
    overall = max(float(level.mean()), _SMALLEST)
    shops = {name: value / overall for name, value in _means([key.shop_id for key in keys], level).items()}
    return LevelPrior(_means([key.product_id for key in keys], level), shops, overall)


def _means(names: list[str], values: NDArray[np.float64]) -> dict[str, float]:
    unique, index = np.unique(np.array(names, object), return_inverse=True)
    sums = np.bincount(index, values, len(unique)) / np.bincount(index, minlength=len(unique))
    return {str(name): float(value) for name, value in zip(unique, sums, strict=True)}


WINDOWS: Final = (28, 56, 182)
_TRIAL_HORIZON: Final = 28
_TRIALS: Final = 4


def choose_window(panel: Panel, factor: NDArray[np.float64]) -> int:
    """Give the window whose level forecast the last four blocks of 28 days best, by pooled absolute error."""
    ends = [panel.day_count - _TRIAL_HORIZON * (back + 1) for back in range(_TRIALS)]
    ends = [end for end in ends if end >= _TRIAL_HORIZON]
    if not ends:
        return WINDOWS[0]
    prior = np.full(len(panel.series), max(float(np.nanmean(panel.quantity)), _SMALLEST))
    return min(WINDOWS, key=lambda window: _error(panel.quantity, factor, window, prior, ends))


def _error(
    quantity: NDArray[np.float64],
    factor: NDArray[np.float64],
    window: int,
    prior: NDArray[np.float64],
    ends: list[int],
) -> float:
    level = trailing_level(quantity, factor, window, prior)
    blocks = [(level[:, end - 1 : end], slice(end, end + _TRIAL_HORIZON)) for end in ends]
    return float(sum(np.nansum(np.abs(quantity[:, b] - own * factor[:, b])) for own, b in blocks))
