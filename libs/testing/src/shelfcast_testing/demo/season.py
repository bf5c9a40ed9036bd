"""The rhythm of the week and of the year in the demo retailer."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

WEEK: Final = (0.85, 0.82, 0.88, 0.95, 1.20, 1.45, 0.85)
"""Factor of Monday to Sunday before each shop's own accent; the mean is 1."""
YEAR: Final = {
    "dairy": (0.05, 20),
    "bakery": (0.08, 340),
    "produce": (0.30, 170),
    "drinks": (0.25, 195),
    "frozen": (0.35, 200),
    "pantry": (0.30, 350),
    "household": (0.10, 350),
}
"""Amplitude and day of the year of the peak, by category."""
CLOSED: Final = frozenset({(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)})
"""Month and day of the days on which every shop is closed."""


def weekly_factor(days: list[date], accents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give float64[n_shops, n_days], the factor of the week-day.

    accents: float64[n_shops], 1 is the usual week; a shop with 2 has twice the usual swings.
    """
    usual = np.array(WEEK)[[day.weekday() for day in days]]
    return np.clip(1.0 + accents[:, None] * (usual - 1.0), 0.05, None)


def yearly_factor(days: list[date], categories: tuple[str, ...]) -> NDArray[np.float64]:
    """Give float64[n_products, n_days], a cosine around 1 that peaks on the category's day of the year."""
    day_of_year = np.array([day.timetuple().tm_yday for day in days], dtype=np.float64)
    amplitude = np.array([YEAR[category][0] for category in categories])
    peak = np.array([YEAR[category][1] for category in categories], dtype=np.float64)
    return 1.0 + amplitude[:, None] * np.cos(2 * np.pi * (day_of_year[None, :] - peak[:, None]) / 365.25)


def is_closed(days: list[date]) -> NDArray[np.bool_]:
    """Tell for each day whether the shops are closed."""
    return np.array([(day.month, day.day) in CLOSED for day in days], dtype=np.bool_)
