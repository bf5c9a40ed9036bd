"""The sales of many series by day, with the covariates that are known in advance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from shelfcast_model.domain.sales_grid import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Panel", "SeriesKey"]


@dataclass(frozen=True, slots=True)
class Panel:
    """Demand of many series on the same calendar days; nothing guesses a frequency.

    Shapes: quantity float64[n_series, n_days]; price and promotion float64[n_series, n_days + future_days].
    """

    series: tuple[SeriesKey, ...]
    start: date
    """Business date of column 0."""
    quantity: NDArray[np.float64]
    """Units demanded, 0 or more; NaN = not observable: unavailable, closed, unknown or not yet launched."""
    price: NDArray[np.float64] | None = None
    """Price a unit, also on planned days; NaN = unknown."""
    promotion: NDArray[np.float64] | None = None
    """1 on promotion, else 0, also on planned days; NaN = unknown."""
    categories: tuple[str, ...] | None = None
    """Category of each series; None where nothing is known."""

    @property
    def day_count(self) -> int:
        """Days with sales, observable or not."""
        return int(self.quantity.shape[1])

    @property
    def end(self) -> date:
        """Last business date with sales."""
        return self.start + timedelta(days=self.day_count - 1)

    def up_to(self, last: date) -> Panel:
        """Give the panel as it was known on the evening of `last`; planned covariates stay planned.

        A `last` beyond the end adds days without an observation.
        """
        days = max(0, (last - self.start).days + 1)
        kept = self.quantity[:, :days]
        missing = days - kept.shape[1]
        if missing > 0:
            kept = np.pad(kept, ((0, 0), (0, missing)), constant_values=np.nan)
        return replace(self, quantity=kept)

    def select(self, rows: Sequence[int] | NDArray[np.intp]) -> Panel:
        """Give the panel of some of its series, in the order of `rows`."""
        index = np.asarray(rows, np.intp)
        return replace(
            self,
            series=tuple(self.series[i] for i in index),
            quantity=self.quantity[index],
            price=None if self.price is None else self.price[index],
            promotion=None if self.promotion is None else self.promotion[index],
            categories=None if self.categories is None else tuple(self.categories[i] for i in index),
        )

    def known_price(self, days: int) -> NDArray[np.float64]:
        """Give the price on the first `days` days, the last known one carried on: float64[n_series, days]."""
        return _carried(self.price, len(self.series), days, np.nan)

    def known_promotion(self, days: int) -> NDArray[np.float64]:
        """Give the promotion flag on the first `days` days, 0 where nothing is planned."""
        flags = _padded(self.promotion, len(self.series), days, 0.0)
        return np.nan_to_num(flags, nan=0.0)


def _padded(values: NDArray[np.float64] | None, series: int, days: int, fill: float) -> NDArray[np.float64]:
    out = np.full((series, days), fill)
    if values is not None:
        width = min(days, values.shape[1])
        out[:, :width] = values[:, :width]
    return out


def _carried(values: NDArray[np.float64] | None, series: int, days: int, fill: float) -> NDArray[np.float64]:
    """Fill each gap with the value before it, and a leading gap with the first value."""
    out = _padded(values, series, days, fill)
    if not days:
        return out
    known = ~np.isnan(out)
    last = np.maximum.accumulate(np.where(known, np.arange(days), -1), axis=1)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)
    place = np.where(last < 0, first[:, None], last)
    return np.take_along_axis(out, place, axis=1)
