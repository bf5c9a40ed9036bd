"""Quantiles that ascend, at any level, from those that a model has learned."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEARNED_LEVELS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Levels that every forecaster learns; others are read off between and beyond them."""


def at_levels(quantiles: NDArray[np.float64], levels: tuple[float, ...]) -> NDArray[np.float64]:
    """Read quantiles off at other levels: float64[..., n_levels] from float64[..., len(LEARNED_LEVELS)].

    Linear in the standard normal score of the level, also beyond the outermost learned levels, then cut
    at 0 and made to ascend.

    >>> flat = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]])
    >>> at_levels(flat, (0.5, 0.9)).tolist()
    [[5.0, 7.0]]
    """
    if levels == LEARNED_LEVELS:
        return np.maximum.accumulate(np.maximum(quantiles, 0.0), axis=-1)
    scores = np.array([NormalDist().inv_cdf(level) for level in LEARNED_LEVELS])
    wanted = np.array([NormalDist().inv_cdf(level) for level in levels])
    right = np.clip(np.searchsorted(scores, wanted), 1, len(scores) - 1)
    share = (wanted - scores[right - 1]) / (scores[right] - scores[right - 1])
    read = quantiles[..., right - 1] * (1 - share) + quantiles[..., right] * share
    return np.maximum.accumulate(np.maximum(read, 0.0), axis=-1)
