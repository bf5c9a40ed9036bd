from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_model.domain.level import LevelPrior, choose_window, fit_prior, trailing_level, windowed_sum
from shelfcast_model.domain.panel import Panel, SeriesKey

MILK = SeriesKey("mitte", "milk")
OATS = SeriesKey("nord", "oats")


def test_level_takes_the_season_out() -> None:
    factor = np.tile([0.5, 1.5], 50)[None]

    level = trailing_level(8.0 * factor, factor, 28, np.ones(1))

    assert level[0, -1] == pytest.approx(8.0, rel=0.2)
    assert level[0, 27] == pytest.approx(8.0, rel=0.2)


def test_a_series_without_history_has_the_level_of_its_look_alikes() -> None:
    level = trailing_level(np.full((1, 10), np.nan), np.ones((1, 10)), 28, np.array([3.5]))

    assert level == pytest.approx(np.full((1, 10), 3.5))


def test_one_day_moves_the_level_by_its_share() -> None:
    level = trailing_level(np.array([[10.0]]), np.ones((1, 1)), 28, np.array([2.0]))

    weight = 7 * np.exp(-1 / 14)
    assert level[0, 0] == pytest.approx((10 + 2 * weight) / (1 + weight))


def test_unavailable_days_do_not_lower_the_level() -> None:
    quantity = np.full((1, 60), 6.0)
    quantity[0, 30:50] = np.nan

    assert trailing_level(quantity, np.ones((1, 60)), 28, np.ones(1))[0, -1] == pytest.approx(6.0, rel=0.5)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.integers(1, 50))
def test_windowed_sum_equals_the_plain_sum(values: list[float], window: int) -> None:
    expected = [sum(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]

    assert windowed_sum(np.array([values]), window)[0] == pytest.approx(expected, abs=1e-3)


def test_prior_scales_a_product_by_its_shop() -> None:
    prior = LevelPrior({"milk": 10.0}, {"nord": 0.5}, 4.0)
    asked = Panel(
        (SeriesKey("nord", "milk"), SeriesKey("nord", "new"), SeriesKey("new", "new")),
        date(2024, 1, 1),
        np.zeros((3, 1)),
    )

    assert prior.of(asked).tolist() == [5.0, 2.0, 4.0]


def test_prior_is_learned_from_the_newest_days() -> None:
    quantity = np.concatenate([np.full((2, 50), 100.0), np.array([[4.0], [8.0]]) * np.ones((2, 28))], axis=1)
    panel = Panel((MILK, OATS), date(2024, 1, 1), quantity)

    prior = fit_prior(panel, np.ones_like(quantity), 28)

    assert prior.overall == pytest.approx(6.0)
    assert prior.products == {"milk": pytest.approx(4.0), "oats": pytest.approx(8.0)}


def test_a_moving_level_calls_for_a_short_window() -> None:
    steady, rising = np.full((1, 400), 9.0), np.linspace(1, 40, 400)[None]

    windows = [
        choose_window(Panel((MILK,), date(2024, 1, 1), quantity), np.ones((1, 400)))
        for quantity in (steady, rising)
    ]

    assert windows[1] == 28
