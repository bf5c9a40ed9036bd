from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from shelfcast_model.domain.panel import Panel, SeriesKey

START = date(2024, 1, 1)
PANEL = Panel(
    (SeriesKey("mitte", "milk"), SeriesKey("mitte", "oats")),
    START,
    np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    price=np.array([[np.nan, 2.0, np.nan, np.nan], [np.nan] * 4]),
    promotion=np.array([[0.0, 1.0, np.nan, 1.0], [0.0] * 4]),
)


def test_up_to_hides_later_sales_and_keeps_plans() -> None:
    cut = PANEL.up_to(date(2024, 1, 2))

    assert cut.quantity.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert cut.end == date(2024, 1, 2)
    assert cut.known_promotion(4)[0].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_up_to_a_day_after_the_end_adds_unknown_days() -> None:
    later = PANEL.up_to(date(2024, 1, 5))

    assert later.day_count == 5
    assert np.isnan(later.quantity[:, 3:]).all()


def test_prices_are_carried_on_and_back() -> None:
    prices = PANEL.known_price(6)

    assert prices[0].tolist() == [2.0] * 6
    assert np.isnan(prices[1]).all()


def test_select_keeps_series_and_rows_together() -> None:
    one = PANEL.select([1])

    assert one.series == (SeriesKey("mitte", "oats"),)
    assert one.quantity.tolist() == [[4.0, 5.0, 6.0]]
    assert one.known_price(2).shape == (1, 2)


@pytest.mark.parametrize("days", [0, 3, 9])
def test_covariates_that_nobody_sent_have_a_shape_too(days: int) -> None:
    plain = Panel(PANEL.series, START, PANEL.quantity)

    assert plain.known_price(days).shape == (2, days)
    assert plain.known_promotion(days).tolist() == [[0.0] * days] * 2
