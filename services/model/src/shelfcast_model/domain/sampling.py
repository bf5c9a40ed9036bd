"""Which origins of which series a learner sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALIBRATION_DAYS: Final = 56
"""The last days are not learned from but kept for the conformal correction."""
LARGEST_TARGET: Final = 20.0
"""Normalised demand above this is learned as this: one day of a slow series must not drown all others."""
_FEWEST_LEARNED_DAYS: Final = 84


@dataclass(frozen=True, slots=True)
class Sample:
    """Origins and horizons: rows and origins [n], horizons [n, h], days after the origin."""

    rows: NDArray[np.intp]
    origins: NDArray[np.intp]
    horizons: NDArray[np.intp]


def learned_days(day_count: int) -> int:
    """Give how many of the first days may be learned from; the others calibrate."""
    return day_count - CALIBRATION_DAYS if day_count >= _FEWEST_LEARNED_DAYS + CALIBRATION_DAYS else day_count


def draw(
    observed: NDArray[np.float64],
    last_day: int,
    count: int,
    width: int,
    max_horizon: int,
    seed: np.random.Generator,
) -> Sample:
    """Draw origins and horizons whose targets lie before `last_day`, evenly over days and series.

    observed: float64[n_series, n_days], 1 where demand was seen; series are drawn in proportion to the
    days that they were seen on.
    """
    weight = observed[:, :last_day].sum(axis=1) + 1e-9
    rows = seed.choice(len(observed), count, p=weight / weight.sum())
    first = np.minimum(observed[:, :last_day].argmax(axis=1), last_day - 2)[rows]
    origins = first + (seed.random(count) * (last_day - 1 - first)).astype(np.intp)
    longest = np.minimum(max_horizon, last_day - 1 - origins)
    horizons = 1 + (seed.random((count, width)) * longest[:, None]).astype(np.intp)
    return Sample(rows.astype(np.intp), origins, horizons)


def calibration_origins(day_count: int) -> list[int]:
    """Give the origins, as columns, from which the held-out days are forecast."""
    first = learned_days(day_count) - 1
    return [] if first == day_count - 1 else [first, first + 14, first + 28]
