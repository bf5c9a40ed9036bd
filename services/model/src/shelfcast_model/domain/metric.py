"""Measures of forecasts, pooled over all series and days that were observed.

Shapes: actual and mean float64[n_series, n_days]; NaN actual = not scored. Source of the definitions:
Hyndman, Athanasopoulos, Forecasting: Principles and Practice, section 5.8; M5 guide for RMSSE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def wape(actual: NDArray[np.float64], mean: NDArray[np.float64]) -> float | None:
    """Give sum|e| / sum|y|; None where nothing was sold.

    >>> wape(np.array([[2.0, 4.0]]), np.array([[3.0, 3.0]]))
    0.3333333333333333
    """
    total = float(np.nansum(np.abs(actual)))
    return float(np.nansum(np.abs(actual - mean))) / total if total > 0 else None


def smape(actual: NDArray[np.float64], mean: NDArray[np.float64]) -> float | None:
    """Give 200 mean(|e| / (|y| + |f|)) in percent; both zero counts 0.

    >>> round(smape(np.array([[2.0, 0.0]]), np.array([[3.0, 0.0]])), 6)
    20.0
    """
    seen = ~np.isnan(actual)
    if not seen.any():
        return None
    error, size = np.abs(actual - mean)[seen], (np.abs(actual) + np.abs(mean))[seen]
    return float(200 * np.mean(np.divide(error, size, out=np.zeros_like(error), where=size > 0)))


def bias(actual: NDArray[np.float64], mean: NDArray[np.float64]) -> float | None:
    """Give sum f / sum y - 1 over observed days; None where nothing was sold.

    >>> bias(np.array([[2.0, 2.0]]), np.array([[3.0, 3.0]]))
    0.5
    """
    total = float(np.nansum(actual))
    return float(mean[~np.isnan(actual)].sum()) / total - 1 if total > 0 else None


def mase(
    actual: NDArray[np.float64], mean: NDArray[np.float64], history: NDArray[np.float64], season: int = 7
) -> float | None:
    """Give the mean over series of MAE / MAE of the seasonal naive inside the history; None if undefined.

    >>> mase(np.array([[3.0]]), np.array([[2.0]]), np.array([[1.0, 3.0]]), 1)
    0.5
    """
    scale = _row_mean(np.abs(history[:, season:] - history[:, :-season]))
    error = _row_mean(np.abs(actual - mean))
    defined = np.isfinite(error) & np.isfinite(scale) & (scale > 0)
    return float((error[defined] / scale[defined]).mean()) if defined.any() else None


def _row_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = ~np.isnan(values)
    count = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def wql(
    actual: NDArray[np.float64], quantiles: NDArray[np.float64], levels: tuple[float, ...]
) -> float | None:
    """Give 2 x sum of pinball losses / sum|y|, averaged over the levels; quantiles [n, days, n_levels].

    >>> wql(np.array([[4.0]]), np.array([[[3.0]]]), (0.5,))
    0.25
    """
    total = float(np.nansum(np.abs(actual)))
    if total <= 0:
        return None
    error = actual[..., None] - quantiles
    level = np.array(levels)
    return float(2 * np.nansum(np.maximum(level * error, (level - 1) * error)) / (total * len(levels)))


def coverage(
    actual: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> float | None:
    """Give the share of observed days with lower <= y <= upper; None if there are none.

    >>> coverage(np.array([[1.0, 9.0]]), np.array([[0.0, 0.0]]), np.array([[2.0, 2.0]]))
    0.5
    """
    seen = ~np.isnan(actual)
    return float(((actual >= lower) & (actual <= upper))[seen].mean()) if seen.any() else None
