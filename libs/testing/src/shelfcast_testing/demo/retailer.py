"""A whole demo retailer: the sales file and the truth behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shelfcast_testing.demo.assortment import Assortment, assortment
from shelfcast_testing.demo.demand import draw_demand, expected_rate
from shelfcast_testing.demo.price import Prices, prices
from shelfcast_testing.demo.season import is_closed
from shelfcast_testing.demo.settings import DemoSettings
from shelfcast_testing.demo.stock import Shelf, sell


@dataclass(frozen=True, slots=True)
class Retailer:
    """A generated chain: what it recorded, and what only the generator knows."""

    sales: pl.DataFrame
    """date, shop_id, product_id, quantity, unit_price, is_promotion, was_available; a row per series and open
    day since the product's launch, in the order of the dates, with quantity 0 where nothing was sold."""
    truth: pl.DataFrame
    """date, shop_id, product_id, expected_demand (the rate), demand (the draw); the days ahead included."""

    def write_sales(self, path: Path) -> None:
        """Write the sales as a CSV file that the import takes as it is."""
        self.sales.write_csv(path)

    def write_truth(self, path: Path) -> None:
        """Write the truth as a CSV file."""
        self.truth.write_csv(path, float_precision=6)


def generate(settings: DemoSettings) -> Retailer:
    """Give the retailer that grows from the settings; the same settings give the same one."""
    generator = np.random.default_rng(settings.seed)
    goods = assortment(settings.shop_count, settings.product_count)
    days = settings.calendar()
    paid = prices(goods.list_prices, len(days), generator)
    rate = expected_rate(goods, days, paid.effect, generator)
    rate[:, is_closed(days)] = 0.0
    demand = draw_demand(rate, goods, generator)
    shelf = sell(demand, rate, generator)
    truth = _keys(goods, days).with_columns(
        pl.Series("expected_demand", rate.ravel()), pl.Series("demand", demand.ravel())
    )
    return Retailer(sales=_sales(settings, truth, shelf, _by_series(paid, goods)), truth=_ordered(truth))


def _keys(goods: Assortment, days: list[date]) -> pl.DataFrame:
    """Give a row per series and day, series outermost: the order of an array [n_series, n_days] laid flat."""
    shops = np.repeat(np.array(goods.shop_ids), len(goods.product_ids) * len(days))
    products = np.tile(np.repeat(np.array(goods.product_ids), len(days)), len(goods.shop_ids))
    dates = pl.Series("date", days * goods.series_count, dtype=pl.Date)
    return pl.DataFrame([dates, pl.Series("shop_id", shops), pl.Series("product_id", products)])


def _by_series(paid: Prices, goods: Assortment) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give price and promotion for each series and day, laid flat."""
    times = (len(goods.shop_ids), 1)
    return np.tile(paid.unit_price, times).ravel(), np.tile(paid.is_promotion, times).ravel()


def _sales(
    settings: DemoSettings,
    truth: pl.DataFrame,
    shelf: Shelf,
    paid: tuple[NDArray[np.float64], NDArray[np.bool_]],
) -> pl.DataFrame:
    """Give the rows that the shops wrote down: open days, launched products, up to the last date."""
    recorded = truth.with_columns(
        pl.Series("quantity", shelf.sold.ravel().astype(np.int64)),
        pl.Series("unit_price", paid[0]),
        pl.Series("is_promotion", paid[1]),
        pl.Series("was_available", shelf.was_available.ravel()),
    ).filter((pl.col("date") <= settings.last_date) & (pl.col("expected_demand") > 0))
    return _ordered(recorded.drop("expected_demand", "demand"))


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("date", "shop_id", "product_id")
