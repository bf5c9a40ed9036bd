"""Measure what faults in sales do to forecasts, where the truth is known: `make bench-quality`.

SEEDS: comma-separated seeds of demo retailers (default 1,2,3). Faults of each kind are put into a quarter
of the steady series at a time, at a day of their last eight weeks; the pooled factor model is fitted on the
sound and on the faulty sales, and both forecasts of the next four weeks are held against the expected demand
that the generator knows. Only series with a fault are scored. The figures hold for the demo retailer only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from report import Figure, publish
from shelfcast_model.adapters.factor_model import FactorModel
from shelfcast_model.domain import metric
from shelfcast_model.domain.panel import Panel, SeriesKey
from shelfcast_model.ports import FitSettings
from shelfcast_testing.demo import DemoSettings, generate

HORIZON: Final = 28
FOLDS: Final = 4
LEAST_UNITS: Final = 4.0
"""Median units a day from which on a series counts as steady."""
RECENT_DAYS: Final = 56
"""Last days among which a fault begins."""

Figures = NDArray[np.float64]
Fault = Callable[[Figures, int], None]
"""Changes the days of one series in place. Takes float64[n_days] and the first day."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one retailer has recorded, and what only the generator knows."""

    panel: Panel
    wanted: Figures
    """float64[n_series, HORIZON], expected demand after the last day; NaN = closed."""


class Quiet:
    """Hears how far a fit is."""

    def report(self, phase: str, done: int, total: int) -> None:
        """Say nothing."""


def times(factor: float, length: int | None) -> Fault:
    """Give a fault that multiplies some days."""

    def fault(days: Figures, first: int) -> None:
        days[first : None if length is None else first + length] *= factor

    return fault


def unobserved(length: int) -> Fault:
    """Give a fault that hides some days, as missing rows and wrong stock-outs do."""

    def fault(days: Figures, first: int) -> None:
        days[first : first + length] = np.nan

    return fault


def ended(length: int) -> Fault:
    """Give a fault that hides the last days."""

    def fault(days: Figures, first: int) -> None:
        del first
        days[-length:] = np.nan

    return fault


def zeros(length: int) -> Fault:
    """Give a fault that tells stock-outs as days on which nobody wanted anything."""

    def fault(days: Figures, first: int) -> None:
        days[first : first + length] = 0.0

    return fault


FAULTS: Final[Mapping[str, Fault]] = {
    "outlier: one day ten times as high": times(10.0, 1),
    "unit_mix_up: a week twelve times as high": times(12.0, 7),
    "unit_mix_up: a week a twelfth": times(1 / 12, 7),
    "level_shift: another unit for good, four times as high": times(4.0, None),
    "missing_days: four weeks without rows": unobserved(28),
    "stale_shop: the last two weeks missing": ended(14),
    "sales_without_stock: a week said to be unavailable": unobserved(7),
    "a week out of stock that was sent as zeros": zeros(7),
}


def main() -> None:
    """Measure each fault and publish the figures."""
    seeds = os.environ.get("SEEDS") or "1,2,3"  # noqa: TID251 - a benchmark is set by variables
    retailers = [retailer(int(seed)) for seed in seeds.split(",")]
    sound = [forecast(each.panel) for each in retailers]
    publish("quality", [effect(name, retailers, sound) for name in FAULTS])


def retailer(seed: int) -> Known:
    """Give the demo retailer of a seed; days without stock are not observed."""
    settings = DemoSettings(seed=seed, days_ahead=HORIZON)
    made = generate(settings)
    keys = made.truth.select("shop_id", "product_id").unique().sort("shop_id", "product_id")
    rows = keys.with_row_index("row")
    quantity = np.full((keys.height, settings.day_count), np.nan)
    sold = made.sales.filter(pl.col("was_available")).join(rows, on=["shop_id", "product_id"])
    day = (sold["date"] - settings.first_date).dt.total_days().to_numpy()
    quantity[sold["row"].to_numpy(), day] = sold["quantity"].to_numpy()
    wanted = (
        made.truth.filter(pl.col("date") > settings.last_date)
        .sort("shop_id", "product_id", "date")["expected_demand"]
        .to_numpy()
        .reshape(keys.height, HORIZON)
    )
    series = tuple(SeriesKey(*pair) for pair in keys.iter_rows())
    panel = Panel(series, settings.first_date, quantity)
    return Known(panel, np.where(wanted > 0, wanted, np.nan))


def forecast(panel: Panel) -> Figures:
    """Give float64[n_series, HORIZON], the mean forecast of the pooled factor model."""
    fitted = FactorModel().fit(panel, FitSettings(max_horizon=HORIZON), Quiet())
    return fitted.forecast(panel, panel.end, HORIZON, (0.5,)).mean


def effect(name: str, retailers: Sequence[Known], sound: Sequence[Figures]) -> Figure:
    """Hold the forecasts from faulty sales against those from sound ones."""
    wanted, clean, dirty = [], [], []
    for known, unspoilt in zip(retailers, sound, strict=True):
        steady = np.flatnonzero(np.nanmedian(known.panel.quantity, axis=1) >= LEAST_UNITS)
        for fold in range(FOLDS):
            touched = steady[fold::FOLDS]
            spoilt = forecast(faulty(known.panel, FAULTS[name], touched))
            wanted.append(known.wanted[touched])
            clean.append(unspoilt[touched])
            dirty.append(spoilt[touched])
    truth = np.concatenate(wanted)
    before = metric.wape(truth, np.concatenate(clean))
    after = metric.wape(truth, np.concatenate(dirty))
    ratio = after / before if before and after is not None else None
    return Figure(f"WAPE after {name}", after, "share", before, ratio)


def faulty(panel: Panel, fault: Fault, touched: NDArray[np.intp]) -> Panel:
    """Give a panel with a fault in some of its series, each at a day of its own."""
    quantity = panel.quantity.copy()
    generator = np.random.default_rng(1)
    for row in touched:
        first = panel.day_count - int(generator.integers(RECENT_DAYS // 2, RECENT_DAYS))
        fault(quantity[row], first)
    return replace(panel, quantity=quantity)


if __name__ == "__main__":
    main()
