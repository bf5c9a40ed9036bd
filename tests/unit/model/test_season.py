from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from shelfcast_model.domain.panel import Panel, SeriesKey
from shelfcast_model.domain.season import calendar, fit_season, log_relative_price

KEYS = tuple(SeriesKey("mitte", f"product-{n}") for n in range(6))
START = date(2022, 1, 1)
DAYS = 900
WEEKDAY = np.array([0.8, 0.8, 0.9, 1.0, 1.1, 1.3, 1.1])
MONTH = 1 + 0.4 * np.sin(np.arange(12))


def panel(
    noise: int | None = None,
    effect: NDArray[np.float64] | None = None,
    promotion: NDArray[np.float64] | None = None,
    price: NDArray[np.float64] | None = None,
) -> Panel:
    when = calendar(START, DAYS)
    mean = np.linspace(5, 40, len(KEYS))[:, None] * (WEEKDAY[when.weekday] * MONTH[when.month])[None]
    mean = mean if effect is None else mean * effect
    drawn = mean if noise is None else np.random.default_rng(noise).poisson(mean).astype(float)
    return Panel(KEYS, START, drawn, price, promotion)


def test_calendar_agrees_with_the_standard_library() -> None:
    when = calendar(date(2024, 2, 28), 4)

    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 2)]
    assert when.weekday.tolist() == [day.weekday() for day in days]
    assert when.month.tolist() == [1, 1, 2, 2]
    assert when.year.tolist() == [2024] * 4


def test_season_is_recovered_from_exact_demand() -> None:
    season = fit_season(panel())

    assert season.weekday[1] == pytest.approx(WEEKDAY / WEEKDAY.mean(), abs=0.01)
    assert season.month[1] == pytest.approx(MONTH / MONTH.mean(), abs=0.02)
    assert not season.is_smooth


def test_season_is_recovered_from_poisson_demand() -> None:
    season = fit_season(panel(noise=3))

    assert season.weekday[1] == pytest.approx(WEEKDAY / WEEKDAY.mean(), abs=0.05)


def test_promotion_uplift_and_price_elasticity_are_recovered() -> None:
    seed = np.random.default_rng(5)
    promotion = (seed.random((len(KEYS), DAYS)) < 0.1).astype(float)
    price = 2.0 * np.where(seed.random((len(KEYS), DAYS)) < 0.2, 0.8, 1.0)
    relative = log_relative_price(Panel(KEYS, START, np.ones_like(price), price=price), DAYS)
    effect = np.where(promotion > 0, 1.8, 1.0) * np.exp(-2.0 * relative)

    season = fit_season(panel(noise=4, promotion=promotion, price=price, effect=effect))

    assert season.promotion_uplift == pytest.approx(1.8, abs=0.08)
    assert season.price_elasticity == pytest.approx(-2.0, abs=0.2)


def test_a_shop_that_was_not_seen_takes_the_pooled_factors() -> None:
    season = fit_season(panel())
    stranger = Panel((SeriesKey("new-shop", "product-0"),), START, np.full((1, 14), np.nan))

    assert season.factors(stranger, 14)[0] == pytest.approx(season.factors(panel(), 14)[0], rel=0.05)


def test_a_short_panel_has_no_time_of_year() -> None:
    short = panel().up_to(date(2022, 4, 1))

    assert fit_season(short).month == pytest.approx(np.ones((2, 12)))


def test_a_planned_price_does_not_enter_its_own_reference() -> None:
    price = np.concatenate([np.full((1, 60), 2.0), np.full((1, 10), 1.0)], axis=1)
    known = Panel(KEYS[:1], START, np.ones((1, 60)), price=price)

    assert log_relative_price(known, 70)[0, 60:] == pytest.approx(np.full(10, np.log(0.5)))
