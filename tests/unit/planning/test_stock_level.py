"""The stock-level formulas against closed forms, published figures and properties."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from shelfcast_planning.application.compute_stock_level import ComputeStockLevel, StockLevelQuestion
from shelfcast_planning.domain import stock_level as module
from shelfcast_planning.domain.stock_level import Demand, safety_factor, stock_level
from shelfcast_planning.errors import DemandOutOfRange, ServiceLevelOutOfRange

DEMANDS = st.builds(
    Demand,
    daily_mean=st.floats(0, 1e6),
    daily_sd=st.floats(0, 1e6),
    lead_time_days=st.integers(0, 365),
    review_days=st.integers(1, 365),
)
LEVELS = st.floats(0.001, 0.999)


def test_the_examples_in_the_docstrings_hold() -> None:
    result = doctest.testmod(module)

    assert result.attempted >= 7
    assert result.failed == 0


@pytest.mark.parametrize("service_level", [0.001, 0.25, 0.5, 0.9, 0.95, 0.975, 0.99, 0.9999])
def test_the_safety_factor_is_that_of_scipy(service_level: float) -> None:
    assert safety_factor(service_level) == pytest.approx(norm.ppf(service_level), abs=1e-12)


def test_an_order_of_today_that_sells_today_covers_one_day() -> None:
    level = stock_level(Demand(daily_mean=12.0, daily_sd=3.0, lead_time_days=0, review_days=1), 0.95)

    assert level.protection_days == 1
    assert level.expected_demand == 12.0
    assert level.safety_stock == pytest.approx(1.6448536 * 3.0)


def test_weekly_review_and_two_days_of_lead_time_cover_nine_days() -> None:
    level = stock_level(Demand(daily_mean=10.0, daily_sd=4.0, lead_time_days=2, review_days=7), 0.95)

    assert level.protection_days == 9
    assert level.order_up_to_level == pytest.approx(109.738, abs=1e-3)


@given(demand=DEMANDS, service_level=LEVELS)
def test_the_level_is_expected_demand_and_safety_stock(demand: Demand, service_level: float) -> None:
    level = stock_level(demand, service_level)

    assert level.order_up_to_level == level.expected_demand + level.safety_stock
    assert math.isfinite(level.order_up_to_level)


@given(demand=DEMANDS, lower=LEVELS, higher=LEVELS)
def test_more_service_never_needs_less_stock(demand: Demand, lower: float, higher: float) -> None:
    lower, higher = sorted((lower, higher))

    assert stock_level(demand, lower).safety_stock <= stock_level(demand, higher).safety_stock


@given(demand=DEMANDS, service_level=LEVELS)
def test_the_complement_of_a_service_level_has_the_opposite_safety_stock(
    demand: Demand, service_level: float
) -> None:
    one = stock_level(demand, service_level).safety_stock
    other = stock_level(demand, 1 - service_level).safety_stock

    assert one == pytest.approx(-other, rel=1e-9, abs=1e-6)


@given(demand=DEMANDS, service_level=st.floats(0.5, 0.999), days=st.integers(1, 100))
def test_a_longer_protection_interval_never_needs_less(
    demand: Demand, service_level: float, days: int
) -> None:
    longer = Demand(demand.daily_mean, demand.daily_sd, demand.lead_time_days + days, demand.review_days)

    assert (
        stock_level(longer, service_level).order_up_to_level
        >= stock_level(demand, service_level).order_up_to_level
    )


@pytest.mark.parametrize("service_level", [0.0, 1.0, -0.1, 1.5, math.nan, math.inf, 95.0])
def test_a_service_level_outside_the_open_interval_is_refused(service_level: float) -> None:
    with pytest.raises(ServiceLevelOutOfRange) as caught:
        stock_level(Demand(10.0, 4.0, 2), service_level)

    assert caught.value.metadata == {"service_level": f"{service_level:g}"}


def test_every_figure_out_of_range_is_named() -> None:
    with pytest.raises(DemandOutOfRange) as caught:
        Demand(daily_mean=-1.0, daily_sd=math.nan, lead_time_days=-1, review_days=0)

    pointers = [violation.pointer for violation in caught.value.violations]
    assert pointers == ["/daily_demand_mean", "/daily_demand_sd", "/lead_time_days", "/review_days"]


@pytest.mark.parametrize(
    ("mean", "sd", "pointers"),
    [(1e308, 0.0, {"/daily_demand_mean"}), (1.0, 1.7e308, {"/daily_demand_sd", "/daily_demand_mean"})],
)
def test_demand_without_a_finite_level_is_refused(mean: float, sd: float, pointers: set[str]) -> None:
    with pytest.raises(DemandOutOfRange) as caught:
        stock_level(Demand(mean, sd, 30), 0.95)

    assert {violation.pointer for violation in caught.value.violations} == pointers


async def test_the_use_case_answers_with_the_formula() -> None:
    demand = Demand(daily_mean=10.0, daily_sd=4.0, lead_time_days=8)

    level = await ComputeStockLevel()(StockLevelQuestion(demand))

    assert level == stock_level(demand, 0.95)
