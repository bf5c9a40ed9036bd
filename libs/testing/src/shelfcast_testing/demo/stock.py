"""The shelves of the demo retailer: what is not there cannot be sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

REVIEW_DAYS: Final = 3
"""Every so many days an order is placed; it arrives on the next day."""
COVER_FACTOR: Final = 1.75
"""The order fills the shelf to this many times the expected demand until the order after next."""
LOST_ORDER_PROBABILITY: Final = 0.04


@dataclass(frozen=True, slots=True)
class Shelf:
    """What was sold, and whether everybody could buy."""

    sold: NDArray[np.float64]
    """float64[n_series, n_days], whole units, never more than was wanted."""
    was_available: NDArray[np.bool_]
    """bool[n_series, n_days], false where somebody wanted more than there was or the shelf was empty."""


def sell(demand: NDArray[np.float64], rate: NDArray[np.float64], generator: np.random.Generator) -> Shelf:
    """Sell day by day from stock that is reviewed now and then; some orders never arrive.

    demand, rate: float64[n_series, n_days].
    """
    series_count, day_count = demand.shape
    sold = np.zeros_like(demand)
    available = np.ones(demand.shape, dtype=np.bool_)
    stock = _target(rate, 0)
    is_lost = generator.random((series_count, day_count)) < LOST_ORDER_PROBABILITY
    phase = generator.integers(0, REVIEW_DAYS, series_count)
    for day in range(day_count):
        arrives = ((day + phase) % REVIEW_DAYS == 0) & ~is_lost[:, day]
        stock = np.where(arrives, np.maximum(stock, _target(rate, day)), stock)
        sold[:, day] = np.minimum(demand[:, day], stock)
        available[:, day] = (demand[:, day] <= stock) & (stock > 0)
        stock = stock - sold[:, day]
    return Shelf(sold=sold, was_available=available)


def _target(rate: NDArray[np.float64], day: int) -> NDArray[np.float64]:
    """Give float64[n_series], whole units that the shelf is filled to; slow products get 4 at least."""
    cover = rate[:, day : day + 2 * REVIEW_DAYS].mean(axis=1) * REVIEW_DAYS
    return np.asarray(np.maximum(np.ceil(cover * COVER_FACTOR), 4.0))
