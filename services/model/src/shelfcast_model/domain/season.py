"""The pooled multiplicative season of a panel: weekday x time of year x promotion x price.

Each expected value is `level x factor`; a factor is fitted as the ratio of what was sold to what was
expected, over all series of a shop together, and shrunk towards the ratio of all shops. That is the
maximum-likelihood estimate of a multiplicative Poisson model, found by iterative proportional fitting.
Source: Deming, Stephan (1940); Agresti, Categorical Data Analysis, section 9.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelfcast_model.domain.panel import Panel

ROUNDS: Final = 8
FEWEST_DAYS_OF_A_YEAR: Final = 330
"""With fewer days a time of year cannot be told from a trend, and all its factors are 1."""
SHRINK_WEEKDAY_UNITS: Final = 500.0
SHRINK_MONTH_UNITS: Final = 5000.0
REFERENCE_DAYS: Final = 56
"""A price counts as high or low against its mean over this many days."""
_FACTOR_RANGE: Final = (0.05, 20.0)
_UPLIFT_RANGE: Final = (0.5, 6.0)
_ELASTICITY_RANGE: Final = (-6.0, 0.0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Weekday, month and year of consecutive days: int64[n_days]."""

    weekday: NDArray[np.int64]
    """0 = Monday."""
    month: NDArray[np.int64]
    """0 = January."""
    year: NDArray[np.int64]
    month_position: NDArray[np.float64]
    """Months since the middle of January, cyclic: 0 <= position < 12."""


@lru_cache(64)
def calendar(start: date, days: int) -> Calendar:
    """Give the calendar of `days` days from `start`; its arrays are shared and cannot be written."""
    stamps = np.datetime64(start, "D") + np.arange(days)
    months = stamps.astype("datetime64[M]")
    since = (stamps - months.astype("datetime64[D]")).astype(np.int64)
    month = months.astype(np.int64) % 12
    found = Calendar(
        (stamps.astype(np.int64) + 3) % 7,
        month,
        stamps.astype("datetime64[Y]").astype(np.int64) + 1970,
        (month + (since + 0.5) / 30.44 - 0.5) % 12,
    )
    for each in (found.weekday, found.month, found.year, found.month_position):
        each.setflags(write=False)
    return found


@dataclass(frozen=True, slots=True)
class Season:
    """Factors of each shop; row 0 stands for shops that were not seen.

    Shapes: weekday float64[1 + n_shops, 7]; month float64[1 + n_shops, 12]; each row has mean about 1.
    """

    shops: tuple[str, ...]
    weekday: NDArray[np.float64]
    month: NDArray[np.float64]
    is_smooth: bool
    """Whether the time of year runs linearly from one mid-month to the next, or in steps."""
    promotion_uplift: float
    """Sales on promotion over sales without, other things equal."""
    price_elasticity: float
    """Exponent of the price against its mean of the last 56 days, 0 or less."""

    def factors(self, panel: Panel, days: int) -> NDArray[np.float64]:
        """Give the factor of each series on the first `days` days: float64[n_series, days], above 0."""
        return self.calendar_factors(panel, days) * self.covariate_factors(panel, days)

    def calendar_factors(self, panel: Panel, days: int) -> NDArray[np.float64]:
        """Give the factor of weekday and time of year alone: float64[n_series, days]."""
        when = calendar(panel.start, days)
        yearly = _smooth(self.month, when) if self.is_smooth else self.month[:, when.month]
        by_shop = self.weekday[:, when.weekday] * yearly
        position = {shop: index + 1 for index, shop in enumerate(self.shops)}
        rows = np.array([position.get(key.shop_id, 0) for key in panel.series], np.intp)
        return by_shop[rows]

    def covariate_factors(self, panel: Panel, days: int) -> NDArray[np.float64]:
        """Give the factor of promotion and price: float64[n_series, days] or [1, 1] without covariates."""
        factor: NDArray[np.float64] = np.ones((1, 1))
        if panel.promotion is not None:
            factor = factor * np.where(panel.known_promotion(days) > 0, self.promotion_uplift, 1.0)
        if panel.price is not None:
            factor = factor * np.exp(self.price_elasticity * log_relative_price(panel, days))
        return factor


def log_relative_price(panel: Panel, days: int) -> NDArray[np.float64]:
    """Give ln(price / its mean of the last 56 days with sales), 0 where unknown: float64[n_series, days].

    The mean ends with the day itself, or with the last day that has sales, so that no planned price
    enters its own reference.
    """
    price = panel.known_price(days)
    price = np.where(price > 0, price, np.nan)
    known = ~np.isnan(price)
    sums = np.cumsum(np.where(known, price, 0.0), axis=1)
    counts = np.cumsum(known, axis=1)
    last = np.minimum(np.arange(days), max(panel.day_count - 1, 0))
    before = last - REFERENCE_DAYS
    inside = before >= 0
    total = sums[:, last] - np.where(inside, sums[:, np.maximum(before, 0)], 0.0)
    count = counts[:, last] - np.where(inside, counts[:, np.maximum(before, 0)], 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(price * count / total)
    known_ratio: NDArray[np.float64] = np.nan_to_num(ratio, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(known_ratio, -1.5, 1.5)


def _smooth(month: NDArray[np.float64], when: Calendar) -> NDArray[np.float64]:
    left = np.floor(when.month_position).astype(np.int64) % 12
    share = when.month_position - np.floor(when.month_position)
    return month[:, left] * (1 - share) + month[:, (left + 1) % 12] * share


def fit_season(panel: Panel) -> Season:
    """Fit the season of a panel on all its days.

    Steps and a smooth course of the year are both fitted; the one with the smaller error on the daily
    totals is kept.
    """
    candidates = [_fit(panel, is_smooth=smooth) for smooth in (False, True)]
    season, _ = min(candidates, key=lambda each: each[1])
    return season


def _fit(panel: Panel, *, is_smooth: bool) -> tuple[Season, float]:
    fit = _Fit.of(panel, is_smooth=is_smooth)
    for _ in range(ROUNDS):
        fit.update()
    error = float(np.abs(fit.sold.sum(axis=0) - fit.expected().sum(axis=0)).sum())
    return fit.season(), error


class _Fit:
    """The running state of a fit: factors so far, and what they expect."""

    def __init__(self, panel: Panel, *, is_smooth: bool) -> None:
        days = panel.day_count
        self.panel = panel
        self.is_smooth = is_smooth
        self.observed = ~np.isnan(panel.quantity)
        self.sold = np.nan_to_num(panel.quantity, nan=0.0)
        self.when = calendar(panel.start, days)
        self.shops, shop = np.unique(
            np.array([key.shop_id for key in panel.series], object), return_inverse=True
        )
        self.shop = shop.astype(np.intp)
        self.weekday = np.ones((1 + len(self.shops), 7))
        self.month = np.ones((1 + len(self.shops), 12))
        self.uplift, self.elasticity = 1.0, 0.0
        self.promotion = None if panel.promotion is None else panel.known_promotion(days) > 0
        self.price = None if panel.price is None else log_relative_price(panel, days)
        self.has_year = days >= FEWEST_DAYS_OF_A_YEAR

    @classmethod
    def of(cls, panel: Panel, *, is_smooth: bool) -> _Fit:
        return cls(panel, is_smooth=is_smooth)

    def factor(self) -> NDArray[np.float64]:
        """Give the factors so far, 0 where nothing was observed: float64[n_series, n_days]."""
        yearly = _smooth(self.month, self.when) if self.is_smooth else self.month[:, self.when.month]
        factor = (self.weekday[:, self.when.weekday] * yearly)[self.shop + 1]
        if self.promotion is not None:
            factor = factor * np.where(self.promotion, self.uplift, 1.0)
        if self.price is not None:
            factor = factor * np.exp(self.elasticity * self.price)
        return factor * self.observed

    def expected(self) -> NDArray[np.float64]:
        """Give level of the calendar year x factor: float64[n_series, n_days]."""
        factor = self.factor()
        for year in np.unique(self.when.year):
            inside = self.when.year == year
            weight = factor[:, inside].sum(axis=1)
            sold = self.sold[:, inside].sum(axis=1)
            level = np.divide(sold, weight, out=np.zeros_like(sold), where=weight > 0)
            factor[:, inside] *= level[:, None]
        return factor

    def update(self) -> None:
        """Move each kind of factor to the ratio of what was sold to what is expected."""
        self.weekday = self._moved(self.weekday, self.when.weekday, SHRINK_WEEKDAY_UNITS)
        if self.has_year:
            self.month = self._moved(self.month, self.when.month, SHRINK_MONTH_UNITS)
        self._update_covariates()

    def _moved(
        self, factors: NDArray[np.float64], part: NDArray[np.int64], shrink: float
    ) -> NDArray[np.float64]:
        expected = self.expected()
        width = factors.shape[1]
        sold_by = _sums(self.sold, self.shop, len(self.shops), part, width)
        expected_by = _sums(expected, self.shop, len(self.shops), part, width)
        seen = expected_by.sum(axis=0) > 0
        pooled = (
            np.where(seen, sold_by.sum(axis=0) / np.maximum(expected_by.sum(axis=0), 1e-9), 1.0) * factors[0]
        )
        own = (
            (sold_by + shrink * pooled / np.maximum(factors[1:], 1e-9)) / (expected_by + shrink) * factors[1:]
        )
        low, high = _FACTOR_RANGE
        moved: NDArray[np.float64] = np.clip(np.vstack([pooled, own]), low, high)
        return moved / moved[:, seen].mean(axis=1, keepdims=True) if seen.any() else moved

    def _update_covariates(self) -> None:
        if self.promotion is None and self.price is None:
            return
        expected = self.expected()
        if self.promotion is not None and (self.promotion & self.observed).any():
            on = self.promotion
            ratio = _ratio(self.sold[on], expected[on]) / max(_ratio(self.sold[~on], expected[~on]), 1e-9)
            self.uplift = float(np.clip(self.uplift * ratio, *_UPLIFT_RANGE))
        if self.price is not None:
            self.elasticity = _elasticity(self.sold, self.expected(), self.price, self.elasticity)

    def season(self) -> Season:
        """Give the fitted season."""
        shops = tuple(str(shop) for shop in self.shops)
        return Season(shops, self.weekday, self.month, self.is_smooth, self.uplift, self.elasticity)


def _sums(
    values: NDArray[np.float64], shop: NDArray[np.intp], shops: int, part: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    """Sum values by shop and part of the calendar: float64[shops, width]."""
    by_part = np.stack([values[:, part == index].sum(axis=1) for index in range(width)], axis=1)
    out = np.zeros((shops, width))
    np.add.at(out, shop, by_part)
    return out


def _ratio(sold: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    total = float(expected.sum())
    return float(sold.sum()) / total if total > 0 else 1.0


def _elasticity(
    sold: NDArray[np.float64], expected: NDArray[np.float64], price: NDArray[np.float64], now: float
) -> float:
    """Take a Newton step of the Poisson regression of sales on the log price, offset by what is expected."""
    slope = float((price * (sold - expected)).sum())
    curvature = float((price**2 * expected).sum())
    if curvature < 1.0:
        return 0.0
    return float(np.clip(now + slope / curvature, *_ELASTICITY_RANGE))
