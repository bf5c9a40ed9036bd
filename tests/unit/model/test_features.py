from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from shelfcast_model.domain.features import (
    MEMORY_DAYS,
    encoder_window,
    normalise,
    normalised_target,
    static_features,
    target_features,
)
from shelfcast_model.domain.level import LevelPrior
from shelfcast_model.domain.panel import Panel, SeriesKey
from shelfcast_model.domain.sampling import calibration_origins, draw, learned_days
from shelfcast_model.domain.season import fit_season

START = date(2022, 1, 1)
DAYS, SERIES = 800, 5
KEYS = tuple(SeriesKey("mitte", f"product-{n}") for n in range(SERIES))


def demand(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(6.0, (SERIES, DAYS)).astype(float)


def features_at(quantity: np.ndarray, origin: int, horizon: int) -> list[np.ndarray]:
    panel = Panel(KEYS, START, quantity)
    season = fit_season(Panel(KEYS, START, demand()))
    data = normalise(panel, season, LevelPrior(), 56, 400)
    rows, origins = np.arange(SERIES), np.full(SERIES, origin)
    horizons = np.broadcast_to(np.arange(1, horizon + 1), (SERIES, horizon))
    where = (data, rows, origins)
    return [encoder_window(*where), static_features(*where), target_features(*where, horizons)]


@pytest.mark.parametrize("horizon", [1, 92, 365])
def test_no_feature_reads_a_sale_after_its_origin(horizon: int) -> None:
    origin = 430
    changed = demand()
    changed[:, origin + 1 :] = 1000.0

    before, after = features_at(demand(), origin, horizon), features_at(changed, origin, horizon)

    assert all((one == other).all() for one, other in zip(before, after, strict=True))


def test_features_do_read_the_sale_at_their_origin() -> None:
    origin = 430
    changed = demand()
    changed[:, origin] = 1000.0

    before, after = features_at(demand(), origin, 14), features_at(changed, origin, 14)

    assert all((one != other).any() for one, other in zip(before, after, strict=True))


def test_features_of_an_origin_do_not_depend_on_how_far_back_the_panel_begins() -> None:
    season = fit_season(Panel(KEYS, START, demand()))
    whole = Panel(KEYS, START, demand())
    skipped = DAYS - MEMORY_DAYS
    cut = Panel(KEYS, date.fromordinal(START.toordinal() + skipped), demand()[:, skipped:])
    rows, horizons = np.arange(SERIES), np.broadcast_to(np.arange(1, 29), (SERIES, 28))

    tables = []
    for panel in (whole, cut):
        data = normalise(panel, season, LevelPrior(), 56, 28)
        tables.append(target_features(data, rows, np.full(SERIES, panel.day_count - 1), horizons))

    assert tables[0] == pytest.approx(tables[1], abs=1e-5)


def test_nothing_is_infinite_or_undefined_for_hard_series() -> None:
    quantity = np.full((SERIES, DAYS), np.nan)
    quantity[1] = 0.0
    quantity[2, -1] = 7.0
    quantity[3, ::50] = 1e6

    assert all(np.isfinite(table).all() for table in features_at(quantity, DAYS - 1, 365))


def test_target_is_demand_over_what_was_expected() -> None:
    panel = Panel(KEYS, START, demand())
    data = normalise(panel, fit_season(panel), LevelPrior(), 56, 28)
    rows, origins, horizons = np.arange(SERIES), np.full(SERIES, 500), np.full((SERIES, 1), 3)

    value, observed, scale = normalised_target(data, rows, origins, horizons)

    assert (value * scale)[:, 0] == pytest.approx(demand()[:, 503], abs=1e-4)
    assert observed.all()


def test_drawn_targets_lie_before_the_last_learned_day() -> None:
    last_day = learned_days(DAYS)
    drawn = draw(np.ones((SERIES, DAYS)), last_day, 1000, 8, 92, np.random.default_rng(2))

    targets = drawn.origins[:, None] + drawn.horizons
    assert drawn.horizons.min() >= 1
    assert targets.max() < last_day
    assert min(calibration_origins(DAYS)) == last_day - 1
