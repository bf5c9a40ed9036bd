from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_model.domain.conformal import fit_conformal, no_correction
from shelfcast_model.domain.quantile import LEARNED_LEVELS, at_levels

LEVELS = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=9, unique=True).map(
    lambda x: tuple(sorted(x))
)
ROW = st.lists(st.floats(-50, 1000), min_size=9, max_size=9)


@given(ROW, LEVELS)
def test_quantiles_are_never_negative_and_never_cross(row: list[float], levels: tuple[float, ...]) -> None:
    read = at_levels(np.array([row]), levels)[0]

    assert (read >= 0).all()
    assert (np.diff(read) >= 0).all()


def test_learned_levels_are_read_as_they_are() -> None:
    row = np.arange(1.0, 10.0)[None]

    assert at_levels(row, LEARNED_LEVELS) == pytest.approx(row)
    assert at_levels(row, (0.05, 0.5, 0.975))[0] == pytest.approx([2.0, 5.0, 9.0])


def test_levels_beyond_the_learned_ones_reach_further() -> None:
    assert at_levels(np.arange(1.0, 10.0)[None], (0.999,))[0, 0] > 9.0


def test_correction_brings_held_out_coverage_to_its_level() -> None:
    seed = np.random.default_rng(1)
    actual = seed.normal(1.0, 0.5, (400, 28)).clip(0)
    narrow = np.broadcast_to(1.0 + 0.05 * np.linspace(-1, 1, 9), (400, 28, 9))
    horizons, scale = np.broadcast_to(np.arange(1, 29), (400, 28)), np.full((400, 28), 10.0)

    fitted = fit_conformal(narrow[:200], actual[:200], np.ones((200, 28), bool), horizons[:200], scale[:200])
    corrected = fitted.corrected(narrow[200:], horizons[200:], scale[200:])

    inside = (actual[200:] >= corrected[..., 1]) & (actual[200:] <= corrected[..., -2])
    assert inside.mean() == pytest.approx(0.90, abs=0.03)


def test_too_few_points_correct_nothing() -> None:
    one = np.ones((1, 1))

    fitted = fit_conformal(np.ones((1, 1, 9)), one * 5, one.astype(bool), one.astype(int), one)

    assert (fitted.shift == no_correction().shift).all()
