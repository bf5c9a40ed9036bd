"""The training: an own graph step over windows drawn afresh for each batch.

No XLA: on 2 cores with AVX2 a step of 512 windows took 157 ms as a graph and 352 ms under XLA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import keras
import numpy as np
import tensorflow as tf

from shelfcast_model.adapters.keras_gru.network import Network, Shape
from shelfcast_model.domain.features import (
    encoder_window,
    normalised_target,
    static_features,
    target_features,
)
from shelfcast_model.domain.quantile import LEARNED_LEVELS
from shelfcast_model.domain.sampling import LARGEST_TARGET, draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from shelfcast_model.domain.features import Normalised
    from shelfcast_model.ports import FitProgress

BATCH: Final = 512
TARGETS_A_WINDOW: Final = 16
LEARNING_RATE: Final = 3e-3
AVERAGE_MOMENTUM: Final = 0.98
_REPORT_EVERY: Final = 10


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and from what a network learns."""

    steps: int
    last_day: int
    """Targets lie before this column."""
    max_horizon: int
    seed: int


def steps_for(observed_days: float) -> int:
    """Give the number of steps for a panel with so many observed days: 160 to 400.

    >>> steps_for(1e3), steps_for(8e5)
    (160, 400)
    """
    return int(np.clip(observed_days / 2000, 160, 400))


def train(data: Normalised, shape: Shape, schedule: Schedule, progress: FitProgress) -> Network:
    """Train a network; the same data, schedule and machine give the same weights.

    Raises: TrainingStopped, from `progress`.
    """
    keras.utils.set_random_seed(schedule.seed)
    network = Network(shape)
    step = _step(network, schedule.steps)
    average = [tf.Variable(weight) for weight in network.trainable_variables]
    for number, batch in enumerate(_batches(data, schedule), 1):
        step(*batch)
        _follow(average, network.trainable_variables, number)
        if number % _REPORT_EVERY == 0 or number == schedule.steps:
            progress.report("gru", number, schedule.steps)
    for weight, mean in zip(network.trainable_variables, average, strict=True):
        weight.assign(mean)
    return network


def _follow(average: list[tf.Variable], weights: list[tf.Variable], number: int) -> None:
    share = max(1 - AVERAGE_MOMENTUM, 1.0 / number)
    for mean, weight in zip(average, weights, strict=True):
        mean.assign_add(share * (weight - mean))


def _batches(data: Normalised, schedule: Schedule) -> Iterator[list[NDArray[np.float32]]]:
    seed = np.random.default_rng(schedule.seed)
    for _ in range(schedule.steps):
        drawn = draw(data.observed, schedule.last_day, BATCH, TARGETS_A_WINDOW, schedule.max_horizon, seed)
        where = (data, drawn.rows, drawn.origins)
        actual, observed, scale = normalised_target(*where, drawn.horizons)
        weight = observed * np.clip(np.sqrt(scale), 0.3, 10.0)
        yield [
            encoder_window(*where),
            static_features(*where),
            target_features(*where, drawn.horizons),
            np.minimum(actual, LARGEST_TARGET),
            (weight / max(float(weight.sum()), 1e-6)).astype(np.float32),
        ]


def _step(network: Network, steps: int) -> Callable[..., tf.Tensor]:
    """Give one compiled step of Adam with a cosine course, on the weighted loss."""
    course = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10, steps, warmup_target=LEARNING_RATE, warmup_steps=20
    )
    optimizer = keras.optimizers.Adam(course, global_clipnorm=1.0)
    optimizer.build(network.trainable_variables)

    def step(
        days: tf.Tensor, statics: tf.Tensor, targets: tf.Tensor, actual: tf.Tensor, weight: tf.Tensor
    ) -> tf.Tensor:
        with tf.GradientTape() as tape:
            mean, quantiles = network(days, statics, targets, training=True)
            loss = tf.reduce_sum(weight * (pinball(actual, quantiles) + 0.3 * _squared(actual, mean)))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    compiled: Callable[..., tf.Tensor] = tf.function(step, autograph=False)
    return compiled


def pinball(actual: tf.Tensor, quantiles: tf.Tensor) -> tf.Tensor:
    """Give the pinball loss summed over the learned levels: [n, h] from [n, h] and [n, h, 9]."""
    error = actual[..., None] - quantiles
    levels = tf.constant(LEARNED_LEVELS)
    return tf.reduce_sum(tf.maximum(levels * error, (levels - 1.0) * error), axis=-1)


def _squared(actual: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Give the Poisson deviance up to a constant, whose minimum is the mean, also for rare demand."""
    return mean - actual * tf.math.log(mean + 1e-6)
