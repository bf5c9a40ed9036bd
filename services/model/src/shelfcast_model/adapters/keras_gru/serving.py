"""A trained network as compiled programs: XLA for few series, a free batch for many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import tensorflow as tf

from shelfcast_model.adapters.normaliser import Outcome
from shelfcast_model.domain.features import (
    ENCODER_DAYS,
    ENCODER_FEATURES,
    STATIC_FEATURES,
    TARGET_FEATURES,
    encoder_window,
    static_features,
    target_features,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelfcast_model.adapters.keras_gru.network import Network
    from shelfcast_model.domain.features import Normalised

SMALL: Final = ((1, 31), (1, 366), (8, 92), (8, 366))
"""Series and target days that one XLA program reads; what is less is filled up, what is more goes freely."""
LARGEST_BATCH: Final = 1024


class CompiledNetwork:
    """Serves a network; the first call of each kind compiles it, `warm_up` makes those calls."""

    def __init__(self, network: Network) -> None:
        """Wrap a trained network."""
        self.network = network
        on_cpu = not tf.config.list_physical_devices("GPU")

        def outcome(days: tf.Tensor, statics: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
            """Give mean and quantiles side by side: [n, h, 1 + len(LEARNED_LEVELS)]."""
            mean, quantiles = network.decode(network.encode(days, statics), targets)
            return tf.concat([mean[..., None], quantiles], axis=-1)

        self._free = tf.function(outcome, input_signature=_inputs(None, None), autograph=False)
        program = tf.function(outcome, jit_compile=on_cpu, autograph=False)
        # Called as they are, since tf.function looks for its program at each call.
        self._small = {size: program.get_concrete_function(*_inputs(*size)) for size in SMALL}

    def __call__(
        self,
        data: Normalised,
        rows: NDArray[np.intp],
        origins: NDArray[np.intp],
        horizons: NDArray[np.intp],
    ) -> Outcome:
        """Give what the network says of target days, on the normalised scale."""
        inputs = (
            encoder_window(data, rows, origins),
            static_features(data, rows, origins),
            target_features(data, rows, origins, horizons),
        )
        parts = [
            self._read(*(each[start : start + LARGEST_BATCH] for each in inputs))
            for start in range(0, len(rows), LARGEST_BATCH)
        ]
        said = np.concatenate(parts).astype(np.float64)
        return Outcome(said[..., 0], said[..., 1:])

    def _read(
        self, days: NDArray[np.float32], statics: NDArray[np.float32], targets: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        count, ahead = targets.shape[:2]
        size = next((size for size in SMALL if size[0] >= count and size[1] >= ahead), None)
        if size is None:
            return np.asarray(self._free(days, statics, targets).numpy())
        filled = (
            _filled(days, size[:1]),
            _filled(statics, size[:1]),
            _filled(targets, size),
        )
        return np.asarray(self._small[size](*map(tf.constant, filled)).numpy())[:count, :ahead]

    def warm_up(self) -> None:
        """Compile everything that serving uses."""
        for count, ahead in (*SMALL, (2 * SMALL[-1][0], 14)):
            self._read(*(np.zeros(spec.shape, np.float32) for spec in _inputs(count, ahead)))


def _inputs(count: int | None, ahead: int | None) -> tuple[tf.TensorSpec, ...]:
    """Give the shapes of the network's inputs for so many series and target days."""
    return (
        tf.TensorSpec((count, ENCODER_DAYS, ENCODER_FEATURES), tf.float32),
        tf.TensorSpec((count, len(STATIC_FEATURES)), tf.float32),
        tf.TensorSpec((count, ahead, len(TARGET_FEATURES)), tf.float32),
    )


def _filled(values: NDArray[np.float32], lengths: tuple[int, ...]) -> NDArray[np.float32]:
    """Give the values with zeros behind them, up to some lengths of the first axes."""
    shape = (*lengths, *values.shape[len(lengths) :])
    if shape == values.shape:
        return values
    filled = np.zeros(shape, np.float32)
    filled[tuple(map(slice, values.shape))] = values
    return filled
