from __future__ import annotations

import numpy as np
import pytest
from shelfcast_model.domain import metric

NOTHING = np.zeros((1, 3))


def test_undefined_measures_are_none() -> None:
    assert metric.wape(NOTHING, NOTHING) is None
    assert metric.bias(NOTHING, NOTHING) is None
    assert metric.wql(NOTHING, NOTHING[..., None], (0.5,)) is None
    assert metric.mase(NOTHING, NOTHING, np.ones((1, 30))) is None
    assert metric.smape(NOTHING * np.nan, NOTHING) is None
    assert metric.coverage(NOTHING * np.nan, NOTHING, NOTHING) is None


def test_days_that_were_not_observed_do_not_count() -> None:
    actual = np.array([[np.nan, 4.0, 6.0]])
    mean = np.array([[99.0, 5.0, 5.0]])

    assert metric.wape(actual, mean) == pytest.approx(0.2)
    assert metric.bias(actual, mean) == pytest.approx(0.0)
    assert metric.coverage(actual, mean - 1, mean) == pytest.approx(0.5)


def test_wape_of_the_median_is_its_weighted_quantile_loss() -> None:
    seed = np.random.default_rng(3)
    actual, mean = seed.poisson(5, (4, 30)).astype(float), seed.random((4, 30)) * 10

    assert metric.wql(actual, mean[..., None], (0.5,)) == pytest.approx(metric.wape(actual, mean))
