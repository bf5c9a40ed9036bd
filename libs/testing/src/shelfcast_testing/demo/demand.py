"""The true demand of the demo retailer: its expected rate, and a draw around it."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfcast_testing.demo.assortment import Assortment
from shelfcast_testing.demo.season import weekly_factor, yearly_factor

DISPERSION: Final = 12.0
"""Shape of the negative binomial draw: variance = rate + rate^2 / dispersion."""
INTERMITTENT_DISPERSION: Final = 0.6


def expected_rate(
    goods: Assortment, days: list[date], price_effect: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Give float64[n_series, n_days], the units that customers want on average; 0 before a launch.

    price_effect: float64[n_products, n_days].
    """
    by_product = (
        _product_rate(goods, len(days), generator) * yearly_factor(days, goods.categories) * price_effect
    )
    by_product *= _is_launched(goods, len(days), generator)
    by_shop = _shop_rate(goods, days, generator)
    rate = by_shop[:, None, :] * by_product[None, :, :]
    return rate.reshape(goods.series_count, len(days))


def draw_demand(
    rate: NDArray[np.float64], goods: Assortment, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw float64[n_series, n_days], whole units wanted, negative binomial around the rate.

    A gamma-distributed mean and a Poisson draw around it: the mixture is negative binomial.
    Source: Greenwood and Yule (1920), Journal of the Royal Statistical Society 83.
    """
    by_product = np.where(goods.is_intermittent(), INTERMITTENT_DISPERSION, DISPERSION)
    shape = np.tile(by_product, len(goods.shop_ids))[:, None]
    mean = generator.gamma(np.broadcast_to(shape, rate.shape)) * rate / shape
    return np.asarray(generator.poisson(mean), dtype=np.float64)


def _product_rate(goods: Assortment, day_count: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Give float64[n_products, n_days], level times trend."""
    count = len(goods.product_ids)
    level = np.exp(generator.normal(np.log(14.0), 0.7, count))
    level = np.where(goods.is_intermittent(), generator.uniform(0.15, 0.9, count), level)
    growth_a_year = generator.uniform(-0.15, 0.25, count)
    years = np.arange(day_count) / 365.25
    return np.asarray(level[:, None] * (1.0 + growth_a_year[:, None]) ** years[None, :])


def _shop_rate(goods: Assortment, days: list[date], generator: np.random.Generator) -> NDArray[np.float64]:
    """Give float64[n_shops, n_days], size of the shop times the factor of its week-day."""
    count = len(goods.shop_ids)
    size = np.exp(generator.normal(0.0, 0.35, count))
    return np.asarray(size[:, None] * weekly_factor(days, generator.uniform(0.6, 1.4, count)))


def _is_launched(goods: Assortment, day_count: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Tell for each product and day whether the product exists yet; new ones are 15 to 90 days old."""
    age = generator.integers(15, 91, len(goods.product_ids))
    launch = np.where(goods.is_new(), np.maximum(day_count - 28 - age, 0), 0)
    return np.asarray(np.arange(day_count)[None, :] >= launch[:, None])
