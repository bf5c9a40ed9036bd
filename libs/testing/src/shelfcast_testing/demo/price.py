"""Price changes and promotions of the demo retailer, and what they do to demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ELASTICITY: Final = -1.6
"""Demand follows (price / list price) to this power."""
PROMOTION_LIFT: Final = 1.35
"""Factor on demand of the sign at the shelf, besides the lower price."""
PROMOTION_DAYS: Final = 7
CHANGES_A_YEAR: Final = 1.0
PROMOTIONS_A_YEAR: Final = 5.0


@dataclass(frozen=True, slots=True)
class Prices:
    """What customers pay for each product on each day; all shops have the same prices."""

    unit_price: NDArray[np.float64]
    """float64[n_products, n_days], rounded to cents."""
    is_promotion: NDArray[np.bool_]
    """bool[n_products, n_days]."""
    effect: NDArray[np.float64]
    """float64[n_products, n_days], factor on demand."""


def prices(list_prices: NDArray[np.float64], day_count: int, generator: np.random.Generator) -> Prices:
    """Draw the prices of all days and derive their effect on demand."""
    regular = list_prices[:, None] * _price_steps(len(list_prices), day_count, generator)
    promoted, discount = _promotions(len(list_prices), day_count, generator)
    paid = np.maximum(np.round(regular * (1.0 - discount), 2), 0.01)
    effect = (paid / list_prices[:, None]) ** ELASTICITY * np.where(promoted, PROMOTION_LIFT, 1.0)
    return Prices(unit_price=paid, is_promotion=promoted, effect=effect)


def _price_steps(product_count: int, day_count: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Give float64[n_products, n_days]: 1 at first, then steps of -4 % to +7 % at random days."""
    is_step = generator.random((product_count, day_count)) < CHANGES_A_YEAR / 365.0
    steps = np.where(is_step, generator.uniform(-0.04, 0.07, (product_count, day_count)), 0.0)
    return np.asarray(np.exp(np.cumsum(np.log1p(steps), axis=1)))


def _promotions(
    product_count: int, day_count: int, generator: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Give which days are promoted and the share that the price is lowered by, both [n_products, n_days]."""
    starts = generator.random((product_count, day_count)) < PROMOTIONS_A_YEAR / 365.0
    depths = generator.choice(np.array([0.10, 0.15, 0.20, 0.30]), (product_count, day_count))
    discount = np.zeros((product_count, day_count))
    for product, day in zip(*np.nonzero(starts), strict=True):
        discount[product, day : day + PROMOTION_DAYS] = depths[product, day]
    return discount > 0.0, discount
