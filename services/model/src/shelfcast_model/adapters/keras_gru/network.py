"""The network: one GRU over the last 56 days, and a small decoder for each target day.

The decoder gives a mean and nine quantiles that cannot cross: the median is positive, each quantile
above it adds a positive step, and each below it is a share of the one above.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import keras
import numpy as np
import tensorflow as tf

from shelfcast_model.domain.features import ENCODER_DAYS, ENCODER_FEATURES, STATIC_FEATURES, TARGET_FEATURES
from shelfcast_model.domain.quantile import LEARNED_LEVELS

MEDIAN: Final = LEARNED_LEVELS.index(0.5)
ABOVE: Final = len(LEARNED_LEVELS) - 1 - MEDIAN


@dataclass(frozen=True, slots=True)
class Shape:
    """Widths of the layers."""

    units: int = 64
    decoder: int = 64
    dropout: float = 0.1

    def as_json(self) -> dict[str, float]:
        """Give the widths as JSON members."""
        return asdict(self)


class Encoder(keras.layers.Layer):  # type: ignore[misc] # keras ships no types
    """Reads the days up to the origin: [n, 56, features] and statics [n, s] to a state [n, units + s]."""

    def __init__(self, shape: Shape) -> None:
        """Make the layers."""
        super().__init__(name="encoder")
        self.gru = keras.layers.GRU(shape.units, name="gru")

    def call(self, days: tf.Tensor, statics: tf.Tensor) -> tf.Tensor:
        """Give the state of each series."""
        return tf.concat([self.gru(days), statics], axis=-1)


class Decoder(keras.layers.Layer):  # type: ignore[misc] # keras ships no types
    """Reads a state [n, units + s] and target days [n, h, t]; gives mean [n, h] and quantiles [n, h, 9]."""

    def __init__(self, shape: Shape) -> None:
        """Make the layers."""
        super().__init__(name="decoder")
        self.from_state = keras.layers.Dense(shape.decoder, name="from_state")
        self.from_target = keras.layers.Dense(shape.decoder, use_bias=False, name="from_target")
        self.hidden = keras.layers.Dense(shape.decoder, activation="gelu", name="hidden")
        self.dropout = keras.layers.Dropout(shape.dropout, seed=1)
        self.head = keras.layers.Dense(
            1 + len(LEARNED_LEVELS), kernel_initializer="zeros", bias_initializer=_start, name="head"
        )

    def call(self, state: tf.Tensor, targets: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Give mean and quantiles on the normalised scale."""
        # The state's part is computed once per series, not once per day.
        mixed = tf.nn.gelu(self.from_state(state)[:, None, :] + self.from_target(targets))
        raw = self.head(self.dropout(self.hidden(mixed), training=training))
        return tf.nn.softplus(raw[..., 0]), _ascending(raw[..., 1:])


def _start(shape: tuple[int, ...], dtype: object = None) -> tf.Tensor:
    """Begin at mean 1, median 1 and a moderate spread."""
    one, step, share = np.log(np.expm1(1.0)), np.log(np.expm1(0.15)), 1.7
    start = np.full(shape, share, np.float32)
    start[0] = start[1 + MEDIAN] = one
    start[2 + MEDIAN :] = step
    return tf.constant(start, dtype)


def _ascending(raw: tf.Tensor) -> tf.Tensor:
    median = tf.nn.softplus(raw[..., MEDIAN : MEDIAN + 1])
    above = median + tf.cumsum(tf.nn.softplus(raw[..., MEDIAN + 1 :]), axis=-1)
    shares = tf.math.cumprod(tf.sigmoid(raw[..., :MEDIAN][..., ::-1]), axis=-1)
    return tf.concat([(median * shares)[..., ::-1], median, above], axis=-1)


class Network(keras.Model):  # type: ignore[misc] # keras ships no types
    """Encoder and decoder together."""

    def __init__(self, shape: Shape) -> None:
        """Make both and build their weights."""
        super().__init__(name="direct_gru")
        self.encoder = Encoder(shape)
        self.decoder = Decoder(shape)
        days = tf.zeros((1, ENCODER_DAYS, ENCODER_FEATURES))
        self(days, tf.zeros((1, len(STATIC_FEATURES))), tf.zeros((1, 1, len(TARGET_FEATURES))))

    def encode(self, days: tf.Tensor, statics: tf.Tensor) -> tf.Tensor:
        """Give the state of each series: [n, units + s]."""
        return self.encoder(days, statics)

    def decode(self, state: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Give mean [n, h] and quantiles [n, h, 9] from states."""
        mean, quantiles = self.decoder(state, targets, training=False)
        return mean, quantiles

    def call(
        self, days: tf.Tensor, statics: tf.Tensor, targets: tf.Tensor, *, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Give mean [n, h] and quantiles [n, h, 9] on the normalised scale."""
        mean, quantiles = self.decoder(self.encoder(days, statics), targets, training=training)
        return mean, quantiles
