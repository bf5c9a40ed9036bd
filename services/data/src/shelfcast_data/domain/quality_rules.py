"""The rules by which the sales of one series are checked; plain functions of its days.

Each threshold is a named constant with its reason; `docs/data-quality.md` says what to do about a finding.
Days without stock are left out wherever a level is measured, since the shelf hid the demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from shelfcast_data.domain.quality import Rule, Severity
from shelfcast_data.domain.sales_columns import Flags, Numbers
from shelfcast_data.domain.series_days import (
    LEAST_SIDE_DAYS,
    SIDE_DAYS,
    Anomaly,
    Figures,
    SeriesDays,
    levels_beside,
    runs,
)

LEAST_ROWS: Final = 28
"""Rows under which a series is too short to know what is usual: four weeks."""

CLOSED_WEEKDAY_SHARE: Final = 0.1
"""A weekday with rows on less than this share of its dates is one on which the shop is closed."""
MISSING_WARNING_SHARE: Final = 0.03
"""Share of expected days without a row from which it is told: public holidays are about 0.027 of all days."""
MISSING_ERROR_SHARE: Final = 0.2
"""From here on, one day in five, weekly patterns can no longer be learned from the series."""

OUTLIER_SCORE: Final = 4.0
"""Robust z-score of an outlier; 3.5 is advised for normal data, but daily sales have a heavier tail."""
OUTLIER_FACTOR: Final = 4.0
"""An outlier is also this many times the level around it, so that steady products do not alarm by little."""
CONSISTENCY: Final = 0.6745
"""Third quartile of the standard normal distribution: MAD = 0.6745 standard deviations."""
LEAST_SPREAD: Final = 0.1
"""Smallest MAD of log quantities, about 10 %, so that a constant series does not divide by nothing."""

LEAST_LEVEL: Final = 4.0
"""Units a day under which factors mean nothing: one piece more is a quarter more."""
SHIFT_FACTOR: Final = 2.5
"""Factor between two windows of four weeks; season, trend and promotions stay below 2 in that time."""

PACK_FACTORS: Final = (6.0, 10.0, 12.0, 24.0, 100.0, 1000.0)
"""Pieces in a pack, and grams, cents or centimetres in the larger unit."""
PACK_TOLERANCES: Final = (1.4, 1.4, 1.4, 2.0, 2.0, 2.0)
"""The median of a run lies within this factor of the pack's: a promotion doubles sales, so small packs are
held apart from that, and larger ones may come together with it."""
PACK_DAY_TOLERANCE: Final = 1.8
"""Each day of a run is above the smallest factor divided by this: days vary more than medians."""
PACK_RUN_ROWS: Final = 4
"""Rows in a row that make a mix-up; three fall together by chance around a weekend, fewer are outliers."""

PRICE_FACTOR: Final = 2.0
"""Factor to the median price before; promotions go down to about a half."""
PRICE_ERROR_FACTOR: Final = 5.0
"""A factor that no decision about a price explains: a slipped decimal point or another unit."""

UNAVAILABLE_RUN_ROWS: Final = 4
"""Rows in a row with sales but unavailable; on single days the shelf may have run empty before closing."""
EMPTY_RUN_ROWS: Final = 2
"""Rows in a row with sales though the ledger was empty all day; one delivery may be booked a day late."""

Check = Callable[[SeriesDays], Iterator[Anomaly]]


def anomalies(series: SeriesDays) -> list[Anomaly]:
    """Give what all rules say of a series; outliers at a mix-up of units are told once, as the mix-up."""
    found = [each for rule in RULES for each in rule(series)]
    mixed = [each.days for each in found if each.rule is Rule.UNIT_MIX_UP]
    return [each for each in found if each.rule is not Rule.OUTLIER or not _is_within(each.days, mixed)]


def _is_within(days: Numbers, spans: list[Numbers]) -> bool:
    return any(days[0] >= span[0] - 2 and days[-1] <= span[-1] + 2 for span in spans)


def missing_days(series: SeriesDays) -> Iterator[Anomaly]:
    """Find days between the first and the last row that have none, if they are many.

    Weekdays on which hardly any row is are closed days. A series that never tells a zero and never its
    availability may leave out days on which nothing was sold: then it is only worth knowing.
    """
    if len(series) < LEAST_ROWS:
        return
    days = np.arange(series.day[0], series.day[-1] + 1)
    has_row = np.isin(days, series.day)
    expected = _is_open(days, has_row)
    missing = days[expected & ~has_row]
    share = len(missing) / max(int(expected.sum()), 1)
    if share < MISSING_WARNING_SHARE:
        return
    is_sparse = not (series.quantity == 0).any() and not (series.was_available >= 0).any()
    severity = Severity.ERROR if share >= MISSING_ERROR_SHARE else Severity.WARNING
    yield Anomaly(
        Rule.MISSING_DAYS,
        Severity.INFO if is_sparse else severity,
        missing,
        float(len(missing)),
        float(expected.sum()),
    )


def _is_open(days: Numbers, has_row: Flags) -> Flags:
    weekday = days % 7
    dates = np.bincount(weekday, minlength=7)
    share = np.bincount(weekday, has_row, minlength=7) / np.maximum(dates, 1)
    return np.asarray(share >= CLOSED_WEEKDAY_SHARE)[weekday]


def outliers(series: SeriesDays) -> Iterator[Anomaly]:
    """Find quantities far above what is sold around that day.

    M = 0.6745 * (r - median(r)) / MAD(r), with r the log of quantity + 1 less its weekday's median and less
    the level around it.
    Source: Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers, equation of the modified z-score.
    """
    if len(series) < LEAST_ROWS:
        return
    before, after = levels_beside(series.observed)
    level = np.fmax(before, after)
    score = _modified_z(_deseasonalised(series, level))
    is_far = (score > OUTLIER_SCORE) & (level >= LEAST_LEVEL) & (series.quantity > OUTLIER_FACTOR * level)
    for run in runs(is_far):
        top = run[np.argmax(series.quantity[run])]
        yield Anomaly(
            Rule.OUTLIER, Severity.WARNING, series.day[run], float(series.quantity[top]), float(level[top])
        )


def _deseasonalised(series: SeriesDays, level: Figures) -> Figures:
    """Give float64[n], log quantities less the level around them and less the median of their weekday."""
    logs = np.log1p(np.maximum(series.quantity, 0.0)) - np.log1p(np.maximum(level, 0.0))
    weekday = series.day % 7
    for each in range(7):
        known = (weekday == each) & ~np.isnan(logs)
        if known.any():
            logs[known] -= np.median(logs[known])
    return logs


def _modified_z(residuals: Figures) -> Figures:
    known = residuals[~np.isnan(residuals)]
    if not len(known):
        return residuals
    middle = np.median(known)
    spread = max(float(np.median(np.abs(known - middle))), LEAST_SPREAD)
    return np.asarray(CONSISTENCY * (residuals - middle) / spread)


def level_shifts(series: SeriesDays) -> Iterator[Anomaly]:
    """Find days from which on much more or much less is sold, by the medians of four weeks before and after.

    Both windows hold whole weeks, so that the weekday needs no factor, and a day's verdict does not change
    once four weeks have followed it. The day is where the means of the two windows differ most.
    """
    if len(series) < 2 * SIDE_DAYS:
        return
    before, after = _windows(series.observed)
    low, high = np.fmin(before, after), np.fmax(before, after)
    is_shift = (high >= LEAST_LEVEL) & (high > SHIFT_FACTOR * np.maximum(low, 0.0))
    for run in runs(is_shift):
        place = run[np.argmax(_contrast(series.observed, run))]
        yield Anomaly(
            Rule.LEVEL_SHIFT,
            Severity.WARNING,
            series.day[place : place + 1],
            float(after[place]),
            float(before[place]),
        )


def _windows(values: Figures) -> tuple[Figures, Figures]:
    """Give the medians of the four weeks before each row and of those that begin with it; NaN at the ends."""
    before, after = levels_beside(values)
    from_here = np.roll(after, 1)
    before[:SIDE_DAYS], from_here[:SIDE_DAYS] = np.nan, np.nan
    from_here[len(values) - SIDE_DAYS + 1 :] = np.nan
    return before, from_here


def _contrast(values: Figures, run: Numbers) -> Figures:
    """Give how far the means beside each place differ on a log scale."""
    half = LEAST_SIDE_DAYS
    sides = [(values[place - half : place], values[place : place + half]) for place in run.tolist()]
    return np.array([abs(np.log1p(_mean(left)) - np.log1p(_mean(right))) for left, right in sides])


def _mean(values: Figures) -> float:
    known = values[~np.isnan(values)]
    return max(float(known.mean()), 0.0) if len(known) else 0.0


def unit_mix_ups(series: SeriesDays) -> Iterator[Anomaly]:
    """Find runs of quantities that are a pack's factor above or below the level on either side.

    A change that lasts is no run, since the level after it is no other: the rule of level shifts tells it.
    """
    if len(series) < LEAST_ROWS:
        return
    sides = levels_beside(series.observed)
    yield from _runs_of_packs(series, sides, 1.0)
    yield from _runs_of_packs(series, sides, -1.0)


def _runs_of_packs(series: SeriesDays, sides: tuple[Figures, Figures], sign: float) -> Iterator[Anomaly]:
    """sides: levels before and after each row. sign: 1 where pieces stand for packs, -1 for the reverse."""
    before, after = sides
    usual = np.fmin(before, after) if sign > 0 else np.fmax(before, after)
    is_told = (series.quantity > 0) & (usual >= LEAST_LEVEL)
    told = np.flatnonzero(is_told & ((series.was_available != 0) | (sign > 0)))
    ratio = (series.quantity[told] / usual[told]) ** sign
    for run in runs(ratio > PACK_FACTORS[0] / PACK_DAY_TOLERANCE):
        rows = told[run]
        sold = float(np.median(series.quantity[rows]))
        levels = np.array([before[rows[0]], after[rows[-1]]])
        beside = levels[~np.isnan(levels)]
        factors = (sold / np.maximum(beside, 1e-9)) ** sign
        is_run = len(rows) >= PACK_RUN_ROWS and len(beside) > 0
        if is_run and all(_is_pack(factor) for factor in factors.tolist()):
            yield Anomaly(Rule.UNIT_MIX_UP, Severity.ERROR, series.day[rows], sold, float(beside.mean()))


def _is_pack(factor: float) -> bool:
    """Tell whether a factor is near that of a pack.

    >>> [_is_pack(factor) for factor in (4.0, 11.0, 300.0, 1000.0)]
    [False, True, False, True]
    """
    return any(
        pack / tolerance <= factor <= pack * tolerance
        for pack, tolerance in zip(PACK_FACTORS, PACK_TOLERANCES, strict=True)
    )


def price_jumps(series: SeriesDays) -> Iterator[Anomaly]:
    """Find prices far from the median of the prices before; a lasting change is told for its first weeks."""
    before, _ = levels_beside(np.where(series.price > 0, series.price, np.nan))
    is_told = ~np.isnan(before) & ~np.isnan(series.price)
    ratio = np.divide(series.price, before, out=np.ones(len(series)), where=is_told)
    factor = np.maximum(ratio, 1.0 / np.maximum(ratio, 1e-9))
    for run in runs(factor > PRICE_FACTOR):
        top = run[np.argmax(factor[run])]
        severity = Severity.ERROR if factor[top] > PRICE_ERROR_FACTOR else Severity.WARNING
        yield Anomaly(
            Rule.PRICE_JUMP, severity, series.day[run], float(series.price[top]), float(before[top])
        )


def sales_without_stock(series: SeriesDays) -> Iterator[Anomaly]:
    """Find runs of rows that sell though the product was out of stock, as they say or as the ledger does."""
    said = series.was_available == 0
    empty = np.zeros(len(series), dtype=bool) if series.ledger_empty is None else series.ledger_empty
    for run in runs((said | empty) & (series.quantity > 0)):
        if said[run].sum() >= UNAVAILABLE_RUN_ROWS or empty[run].sum() >= EMPTY_RUN_ROWS:
            sold = float(np.median(series.quantity[run]))
            yield Anomaly(Rule.SALES_WITHOUT_STOCK, Severity.WARNING, series.day[run], sold, 0.0)


RULES: Final[tuple[Check, ...]] = (
    missing_days,
    outliers,
    level_shifts,
    unit_mix_ups,
    price_jumps,
    sales_without_stock,
)
