"""Safety stock and order-up-to level of a periodic review policy for normal demand.

Demand of different days is independent and normal; an order placed at a review must last until the order of
the next review has arrived: the protection interval of lead time + review period.
Source: Silver, Pyke, Thomas (2017), Inventory and Production Management in Supply Chains, (R, S) systems.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from shelfcast_servicekit.errors import Violation

from shelfcast_planning.errors import DemandOutOfRange, ServiceLevelOutOfRange

DEFAULT_REVIEW_DAYS: Final = 1
DEFAULT_SERVICE_LEVEL: Final = 0.95

_STANDARD_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Demand:
    """Demand of one product in one shop and the rhythm of its supply."""

    daily_mean: float
    """Mean demand in units per day, 0 or more."""
    daily_sd: float
    """Standard deviation of demand in units per day, 0 or more."""
    lead_time_days: int
    """Whole days from the order to sellable stock, 0 or more."""
    review_days: int = DEFAULT_REVIEW_DAYS
    """Days between two order opportunities, 1 or more."""

    def __post_init__(self) -> None:
        """Refuse figures out of their range, all of them at once. Raises: DemandOutOfRange."""
        faults = [
            Violation(f"/{pointer}", f"{pointer} is finite and {least} or more.", "demand.range")
            for pointer, value, least in (
                ("daily_demand_mean", self.daily_mean, 0),
                ("daily_demand_sd", self.daily_sd, 0),
                ("lead_time_days", self.lead_time_days, 0),
                ("review_days", self.review_days, 1),
            )
            if not (math.isfinite(value) and value >= least)
        ]
        if faults:
            raise DemandOutOfRange(violations=faults)


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Stock levels of a periodic review policy."""

    protection_days: int
    """Days of demand that an order must cover."""
    expected_demand: float
    """Expected demand of those days, in units."""
    safety_stock: float
    """Stock held against demand noise, in units; negative below a service level of 0.5."""
    order_up_to_level: float
    """Level that an order fills the inventory position up to, in units."""


def protection_days(lead_time_days: int, review_days: int) -> int:
    """Give the protection interval L + R in days.

    >>> protection_days(lead_time_days=0, review_days=1)
    1
    """
    return lead_time_days + review_days


def safety_factor(service_level: float) -> float:
    """Give z(alpha), the standard normal quantile of a cycle service level alpha.

    Raises: ServiceLevelOutOfRange unless 0 < service_level < 1.

    >>> round(safety_factor(0.95), 4)
    1.6449
    >>> safety_factor(0.5)
    0.0
    """
    if not 0.0 < service_level < 1.0:
        raise ServiceLevelOutOfRange(service_level=f"{service_level:g}")
    return _STANDARD_NORMAL.inv_cdf(service_level)


def safety_stock(daily_sd: float, days: int, service_level: float) -> float:
    """Give the stock that covers demand noise over a protection interval.

    SS = z(alpha) * sigma * sqrt(L + R), sigma per day and `days` = L + R; the result in units.
    Raises: ServiceLevelOutOfRange unless 0 < service_level < 1.

    >>> round(safety_stock(daily_sd=4.0, days=9, service_level=0.95), 2)
    19.74
    """
    return safety_factor(service_level) * daily_sd * math.sqrt(days)


def stock_level(demand: Demand, service_level: float = DEFAULT_SERVICE_LEVEL) -> StockLevel:
    """Give the stock levels: S = mu * (L + R) + SS, with mu the mean demand a day.

    Raises: ServiceLevelOutOfRange unless 0 < service_level < 1; DemandOutOfRange when a level is not finite.

    >>> level = stock_level(Demand(daily_mean=10.0, daily_sd=4.0, lead_time_days=8), service_level=0.95)
    >>> level.protection_days, level.expected_demand
    (9, 90.0)
    >>> round(level.safety_stock, 2), round(level.order_up_to_level, 2)
    (19.74, 109.74)
    """
    days = protection_days(demand.lead_time_days, demand.review_days)
    expected = demand.daily_mean * days
    noise = safety_stock(demand.daily_sd, days, service_level)
    level = StockLevel(days, expected, noise, expected + noise)
    _refuse_overflow(level)
    return level


def _refuse_overflow(level: StockLevel) -> None:
    faults = [
        Violation(f"/{pointer}", f"{pointer} is too large for a finite stock level.", "demand.range")
        for pointer, value in (
            ("daily_demand_mean", level.expected_demand),
            ("daily_demand_sd", level.safety_stock),
            ("daily_demand_mean", level.order_up_to_level),
        )
        if not math.isfinite(value)
    ]
    if faults:
        raise DemandOutOfRange(violations=list(dict.fromkeys(faults)))
