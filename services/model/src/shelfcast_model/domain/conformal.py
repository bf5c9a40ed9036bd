"""Split-conformal widening: held-out days say how far the quantiles of a model must move.

Source: Romano, Patterson, Candes (2019), Conformalized Quantile Regression, with one correction for
each bucket of horizon and volume, as in Mondrian conformal prediction (Vovk et al., 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shelfcast_model.domain.quantile import LEARNED_LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

HORIZON_EDGES: Final = (8, 29)
"""Buckets 1-7, 8-28 and 29 and more days ahead."""
VOLUME_EDGES: Final = (1.0, 5.0, 20.0)
"""Buckets by expected units a day."""
FEWEST_POINTS: Final = 200
"""Buckets with fewer held-out points take the correction of all points together."""
_BUCKETS: Final = (len(HORIZON_EDGES) + 1, len(VOLUME_EDGES) + 1)


@dataclass(frozen=True, slots=True)
class Conformal:
    """What to add to each normalised quantile: float64[3 horizons, 4 volumes, n_levels]."""

    shift: NDArray[np.float64]

    def corrected(
        self, quantiles: NDArray[np.float64], horizons: NDArray[np.intp], scale: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give the corrected normalised quantiles, 0 or more, ascending; shapes [n, h, n_levels], [n, h]."""
        spread = np.sqrt(1.0 / np.maximum(scale, 0.05))
        moved = quantiles + self.shift[_bucket(horizons, scale)] * spread[..., None]
        return np.maximum.accumulate(np.maximum(moved, 0.0), axis=-1)


def _bucket(
    horizons: NDArray[np.intp], scale: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.digitize(horizons, HORIZON_EDGES), np.digitize(scale, VOLUME_EDGES)


def no_correction() -> Conformal:
    """Give a correction that changes nothing."""
    return Conformal(np.zeros((*_BUCKETS, len(LEARNED_LEVELS))))


def fit_conformal(
    quantiles: NDArray[np.float64],
    actual: NDArray[np.float64],
    observed: NDArray[np.bool_],
    horizons: NDArray[np.intp],
    scale: NDArray[np.float64],
) -> Conformal:
    """Learn the shifts from held-out points on the normalised scale.

    For each level the shift is the level's empirical quantile of (actual - quantile), in units of the
    Poisson noise 1 / sqrt(scale); so that after it, that share of held-out points lies below.
    Shapes: quantiles [n, h, n_levels]; the others [n, h].
    """
    if int(observed.sum()) < FEWEST_POINTS:
        return no_correction()
    excess = (actual[..., None] - quantiles) * np.sqrt(np.maximum(scale, 0.05))[..., None]
    by_horizon, by_volume = _bucket(np.broadcast_to(horizons, actual.shape), scale)
    overall = _quantiles(excess[observed])
    shift = np.broadcast_to(overall, (*_BUCKETS, len(LEARNED_LEVELS))).copy()
    for cell in np.ndindex(_BUCKETS):
        inside = observed & (by_horizon == cell[0]) & (by_volume == cell[1])
        if int(inside.sum()) >= FEWEST_POINTS:
            shift[cell] = _quantiles(excess[inside])
    return Conformal(shift)


def _quantiles(excess: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.quantile(excess[:, i], level) for i, level in enumerate(LEARNED_LEVELS)])
