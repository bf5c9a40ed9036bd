"""What a learner sees of a series at an origin: the same numbers in training and in serving.

Everything is on the normalised scale: demand / (level at the origin x season factor). No feature at an
origin reads a sale after it (test: the shift test of the learners).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_model.domain.level import LevelPrior, trailing_level, windowed_sum
from shelfcast_model.domain.season import calendar, log_relative_price

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelfcast_model.domain.panel import Panel
    from shelfcast_model.domain.season import Calendar, Season

ENCODER_DAYS: Final = 56
ENCODER_FEATURES: Final = 7
MEMORY_DAYS: Final = 364 + 182 + 64
"""Days before an origin that its features can reach back to."""
_YEAR: Final = 364
_CLIP: Final = 8.0

TARGET_FEATURES: Final = (
    *(f"weekday_{day}" for day in range(7)),
    *(f"year_{wave}{order}" for order in (1, 2) for wave in ("sin", "cos")),
    "log_expected",
    "log_factor",
    "horizon",
    "log_horizon",
    "promotion",
    "log_relative_price",
    "last_year_ratio",
    "last_year_known",
    "weekday_ratio",
)
STATIC_FEATURES: Final = (
    "log_level",
    "ratio_7",
    "ratio_28",
    "ratio_182",
    "zero_share",
    "dispersion",
    "log_age",
    "promotion_share",
)


@dataclass(frozen=True, slots=True)
class Normalised:
    """A panel with its season and levels taken out, ready to be asked for features.

    Shapes: float64[n_series, n_days] unless said otherwise; `ahead` arrays reach beyond the last day.
    """

    ratio: NDArray[np.float64]
    """Demand over factor (level still in it), 0 where not observed."""
    observed: NDArray[np.float64]
    """1 where demand was observed, else 0."""
    level: NDArray[np.float64]
    """Level at the evening of each day."""
    factor_ahead: NDArray[np.float64]
    promotion_ahead: NDArray[np.float64]
    price_ahead: NDArray[np.float64]
    when: Calendar
    means: dict[int, NDArray[np.float64]]
    """Trailing mean ratio over so many days."""
    weekday_mean: NDArray[np.float64]
    """Mean ratio of the last eight equal weekdays up to each day."""
    smooth: NDArray[np.float64]
    """Mean ratio of the 15 days around each day; reads 7 days ahead, so it is only asked for a year ago."""
    zero_share: NDArray[np.float64]
    dispersion: NDArray[np.float64]
    age: NDArray[np.float64]
    promotion_share: NDArray[np.float64]


def normalise(
    panel: Panel, season: Season, prior: LevelPrior, window_days: int, ahead_days: int
) -> Normalised:
    """Take season and level out of a panel and prepare the trailing figures that features read."""
    days = panel.day_count
    factor = season.factors(panel, days + ahead_days)
    factor = np.broadcast_to(factor, (len(panel.series), days + ahead_days))
    observed = ~np.isnan(panel.quantity)
    sold = np.nan_to_num(panel.quantity, nan=0.0)
    ratio = sold / factor[:, :days]
    mask = observed.astype(np.float64)
    level = trailing_level(panel.quantity, factor[:, :days], window_days, prior.of(panel))
    count_56 = np.maximum(windowed_sum(mask, ENCODER_DAYS), 1.0)
    mean_56 = windowed_sum(ratio, ENCODER_DAYS) / count_56
    square_56 = windowed_sum(ratio**2, ENCODER_DAYS) / count_56
    promotion = panel.known_promotion(days + ahead_days)
    return Normalised(
        ratio=ratio,
        observed=mask,
        level=level,
        factor_ahead=factor,
        promotion_ahead=promotion,
        price_ahead=log_relative_price(panel, days + ahead_days)
        if panel.price is not None
        else promotion * 0.0,
        when=calendar(panel.start, days + ahead_days),
        means={length: _mean(ratio, mask, length) for length in (7, 28, 182)},
        weekday_mean=_weekday_mean(ratio, mask),
        smooth=_centred_mean(ratio, mask),
        zero_share=windowed_sum((observed & (sold <= 0)).astype(np.float64), ENCODER_DAYS) / count_56,
        dispersion=np.sqrt(np.maximum(square_56 - mean_56**2, 0.0)) / level,
        age=np.cumsum(mask, axis=1),
        promotion_share=windowed_sum(promotion[:, :days], 182) / 182.0,
    )


def _mean(ratio: NDArray[np.float64], mask: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    count = windowed_sum(mask, length)
    return np.divide(windowed_sum(ratio, length), count, out=np.full_like(ratio, np.nan), where=count > 0)


def _weekday_mean(ratio: NDArray[np.float64], mask: NDArray[np.float64]) -> NDArray[np.float64]:
    sums, counts = ratio.copy(), mask.copy()
    for week in range(1, 8):
        sums[:, 7 * week :] += ratio[:, : -7 * week]
        counts[:, 7 * week :] += mask[:, : -7 * week]
    return np.divide(sums, counts, out=np.full_like(ratio, np.nan), where=counts > 0)


def _centred_mean(ratio: NDArray[np.float64], mask: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = [np.pad(each, ((0, 0), (0, 7))) for each in (ratio, mask)]
    sums, counts = (windowed_sum(each, 15)[:, 7:] for each in padded)
    return np.divide(sums, counts, out=np.full_like(ratio, np.nan), where=counts > 0)


def encoder_window(
    data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Give the last 56 days up to each origin: float32[n, 56, ENCODER_FEATURES]; 0 before the data."""
    days = origins[:, None] + np.arange(-ENCODER_DAYS + 1, 1)
    inside = days >= 0
    column = np.maximum(days, 0)
    row = rows[:, None]
    level = data.level[row, origins[:, None]]
    mask = data.observed[row, column] * inside
    out = np.empty((*days.shape, ENCODER_FEATURES), np.float32)
    out[..., 0] = np.clip(data.ratio[row, column] / level, 0, _CLIP) * mask
    out[..., 1] = mask
    out[..., 2] = data.promotion_ahead[row, column] * inside
    out[..., 3] = data.price_ahead[row, column] * inside
    weekday = data.when.weekday[column] * (2 * np.pi / 7)
    out[..., 4], out[..., 5] = np.sin(weekday), np.cos(weekday)
    out[..., 6] = np.log(data.factor_ahead[row, column]) * inside
    return out


def static_features(
    data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Give what is known of each series at its origin: float32[n, len(STATIC_FEATURES)]."""
    level = data.level[rows, origins]
    relative = [
        np.clip(np.nan_to_num(data.means[length][rows, origins] / level, nan=1.0), 0, _CLIP)
        for length in (7, 28, 182)
    ]
    figures = [
        np.log(level),
        *relative,
        data.zero_share[rows, origins],
        np.clip(data.dispersion[rows, origins], 0, _CLIP),
        np.log1p(data.age[rows, origins]) / 5.0,
        data.promotion_share[rows, origins],
    ]
    return np.stack(figures, axis=-1).astype(np.float32)


def target_features(
    data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp], horizons: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Give what is known at the origin of each target day: float32[n, h, len(TARGET_FEATURES)].

    Shapes: rows and origins [n]; horizons [n, h], days after the origin, 1 or more.
    """
    row, origin = rows[:, None], origins[:, None]
    target = origin + horizons
    level = data.level[row, origin]
    factor = data.factor_ahead[row, target]
    out = np.zeros((*target.shape, len(TARGET_FEATURES)), np.float32)
    np.put_along_axis(out, data.when.weekday[target][..., None], 1.0, axis=-1)
    angle = data.when.month_position[target] * (2 * np.pi / 12)
    out[..., 7], out[..., 8] = np.sin(angle), np.cos(angle)
    out[..., 9], out[..., 10] = np.sin(2 * angle), np.cos(2 * angle)
    out[..., 11] = np.log(level * factor)
    out[..., 12] = np.log(factor)
    out[..., 13] = horizons / 100.0
    out[..., 14] = np.log(horizons)
    out[..., 15] = data.promotion_ahead[row, target]
    out[..., 16] = data.price_ahead[row, target]
    out[..., 17], out[..., 18] = _last_year(data, row, origin, target)
    same_weekday = target - 7 * (-(-horizons // 7))
    weekday = np.where(same_weekday >= 0, data.weekday_mean[row, np.maximum(same_weekday, 0)], np.nan)
    out[..., 19] = np.clip(np.nan_to_num(weekday / level, nan=1.0), 0, _CLIP)
    return out


def _last_year(
    data: Normalised, row: NDArray[np.intp], origin: NDArray[np.intp], target: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give how demand moved from the origin's days to the target's a year ago, and whether that is known."""
    back = _YEAR * -(-(target - origin + 7) // _YEAR)  # so far back that the 15 days end by the origin
    then, start = target - back, origin - back
    known = (start >= 28) & (then >= 0)
    around = data.smooth[row, np.clip(then, 0, None)]
    before = data.means[28][row, np.clip(start, 0, None)]
    known &= np.isfinite(around) & (before > 0)
    moved = np.divide(around, before, out=np.ones_like(around), where=known)
    return np.clip(moved, 0.1, _CLIP), known.astype(np.float64)


def normalised_target(
    data: Normalised, rows: NDArray[np.intp], origins: NDArray[np.intp], horizons: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Give demand / (level x factor), whether it was observed, and level x factor: float32[n, h] each."""
    row, target = rows[:, None], origins[:, None] + horizons
    inside = target < data.ratio.shape[1]
    column = np.where(inside, target, 0)
    level = data.level[row, origins[:, None]]
    value = data.ratio[row, column] / level * inside
    scale = level * data.factor_ahead[row, target]
    return (
        value.astype(np.float32),
        (data.observed[row, column] * inside).astype(np.float32),
        scale.astype(np.float32),
    )
