"""A trained network as compiled functions: XLA for few series, a free batch for many."""

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

SMALL_BATCHES: Final = (1, 8)
"""Batches up to these sizes are filled up to them and read by XLA, which spares the loop's overhead."""
LARGEST_BATCH: Final = 1024


class CompiledNetwork:
    """Serves a network; the first call of each kind compiles it, `warm_up` makes those calls."""

    def __init__(self, network: Network) -> None:
        """Wrap a trained network."""
        self.network = network
        days = tf.TensorSpec((None, ENCODER_DAYS, ENCODER_FEATURES), tf.float32)
        statics = tf.TensorSpec((None, len(STATIC_FEATURES)), tf.float32)
        state = tf.TensorSpec((None, network.state_width), tf.float32)
        targets = tf.TensorSpec((None, None, len(TARGET_FEATURES)), tf.float32)
        on_cpu = not tf.config.list_physical_devices("GPU")
        self._encode_many = tf.function(network.encode, input_signature=[days, statics], autograph=False)
        self._encode_few = {
            size: tf.function(network.encode, jit_compile=on_cpu, autograph=False) for size in SMALL_BATCHES
        }
        self._decode = tf.function(network.decode, input_signature=[state, targets], autograph=False)

    def __call__(
        self,
        data: Normalised,
        rows: NDArray[np.intp],
        origins: NDArray[np.intp],
        horizons: NDArray[np.intp],
    ) -> Outcome:
        """Give what the network says of target days, on the normalised scale."""
        days, statics = encoder_window(data, rows, origins), static_features(data, rows, origins)
        targets = target_features(data, rows, origins, horizons)
        parts = [
            self._decode(self._encoded(days[part], statics[part]), targets[part])
            for start in range(0, len(rows), LARGEST_BATCH)
            for part in [slice(start, start + LARGEST_BATCH)]
        ]
        means, quantiles = zip(*parts, strict=True)
        return Outcome(
            np.concatenate([mean.numpy() for mean in means]).astype(np.float64),
            np.concatenate([each.numpy() for each in quantiles]).astype(np.float64),
        )

    def _encoded(self, days: NDArray[np.float32], statics: NDArray[np.float32]) -> tf.Tensor:
        count = len(days)
        size = next((size for size in SMALL_BATCHES if size >= count), None)
        if size is None:
            return self._encode_many(days, statics)
        more = size - count
        padded = np.pad(days, ((0, more), (0, 0), (0, 0))), np.pad(statics, ((0, more), (0, 0)))
        return self._encode_few[size](tf.constant(padded[0]), tf.constant(padded[1]))[:count]

    def warm_up(self) -> None:
        """Compile everything that serving uses."""
        for count in (*SMALL_BATCHES, 2 * SMALL_BATCHES[-1]):
            days = np.zeros((count, ENCODER_DAYS, ENCODER_FEATURES), np.float32)
            state = self._encoded(days, np.zeros((count, len(STATIC_FEATURES)), np.float32))
            self._decode(state, np.zeros((count, 14, len(TARGET_FEATURES)), np.float32))
