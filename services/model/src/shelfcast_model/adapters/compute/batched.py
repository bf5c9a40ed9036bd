"""Single series in flight are forecast together; pages go in one call of their own."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from opentelemetry import trace
from shelfcast_servicekit.deadline import remaining_seconds
from shelfcast_servicekit.errors import DeadlineExceeded, UpstreamUnavailable
from shelfcast_servicekit.micro_batch import MicroBatcher

from shelfcast_model.ports import ForecastBatch, ForecasterFailed, ForecastTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from shelfcast_servicekit.executor import BlockingExecutor

NETWORK: Final = "gru"
PATIENCE_SECONDS: Final = 2.0

_Key: TypeAlias = "tuple[int, int, date, int, tuple[float, ...]]"

_TRACER: Final = trace.get_tracer("shelfcast.model.compute")
_LOG: Final = logging.getLogger(__name__)


class BatchedCompute:
    """Runs the network on its own thread and all other forecasters on another.

    TensorFlow is touched by that one thread only; neither thread ever blocks the event loop.
    """

    def __init__(
        self,
        network: BlockingExecutor,
        others: BlockingExecutor,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """network: one thread, for TensorFlow. others: for forecasters without it.

        patience_seconds: after this, a single series is answered from a lower rung; a new network
        that warms up holds its thread for about as long.
        """
        self._patience_seconds = patience_seconds
        self._network = network
        self._others = others
        self._batchers: Mapping[bool, MicroBatcher[_Key, ForecastTask, ForecastBatch]] = {
            is_network: MicroBatcher(partial(self._together, executor))
            for is_network, executor in ((True, network), (False, others))
        }

    async def forecast(self, task: ForecastTask) -> ForecastBatch:
        """Give the forecasts of a task. Raises: ForecasterFailed, DeadlineExceeded, BatchQueueFull."""
        with _TRACER.start_as_current_span(f"forecast {task.forecaster.name}") as span:
            span.set_attribute("forecast.series_count", len(task.positions))
            return await self._forecast(task)

    async def _forecast(self, task: ForecastTask) -> ForecastBatch:
        is_network = task.forecaster.name == NETWORK
        if len(task.positions) != 1:
            return await self._alone(self._network if is_network else self._others, task)
        key = (id(task.forecaster), id(task.history), task.origin, task.horizon, task.levels)
        remaining = remaining_seconds()
        patience = self._patience_seconds if remaining is None else min(self._patience_seconds, remaining)
        try:
            async with asyncio.timeout(patience):
                return await self._batchers[is_network].run(key, task, patience)
        except TimeoutError as error:
            if remaining is not None and remaining <= self._patience_seconds:
                raise DeadlineExceeded from error
            raise ForecasterFailed(f"{task.forecaster.name}: no answer in {patience:g} s") from error

    async def _together(
        self, executor: BlockingExecutor, _: _Key, tasks: Sequence[ForecastTask]
    ) -> Sequence[ForecastBatch]:
        positions = tuple(task.positions[0] for task in tasks)
        batch = await self._alone(executor, replace(tasks[0], positions=positions))
        return [
            ForecastBatch(batch.mean[row : row + 1], batch.quantiles[row : row + 1], batch.levels)
            for row in range(len(positions))
        ]

    async def _alone(self, executor: BlockingExecutor, task: ForecastTask) -> ForecastBatch:
        """Run one task; whatever a library raises becomes ForecasterFailed, so that a rung can follow."""
        running = asyncio.ensure_future(executor.run(run_task, task))
        await asyncio.wait({running})
        error = running.exception()
        if error is None:
            return running.result()
        if isinstance(error, UpstreamUnavailable | ForecasterFailed):
            raise ForecasterFailed(task.forecaster.name) from error
        _LOG.error("%s failed", task.forecaster.name, exc_info=error)
        raise ForecasterFailed(task.forecaster.name) from error


def run_task(task: ForecastTask) -> ForecastBatch:
    """Forecast on the calling thread. Raises: ForecasterFailed when a figure is not usable."""
    panel = task.history.panel.select(task.positions)
    batch = task.forecaster.forecast(panel, task.origin, task.horizon, task.levels)
    if not (np.isfinite(batch.mean).all() and np.isfinite(batch.quantiles).all()):
        raise ForecasterFailed(f"{task.forecaster.name}: a figure is not finite")
    return batch
