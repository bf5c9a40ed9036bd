"""Forecasters that are fitted in the process, quickly, when no trained one can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import LRUCache
from shelfcast_servicekit.cache import SingleFlight

from shelfcast_model.ports import FitSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelfcast_servicekit.executor import BlockingExecutor

    from shelfcast_model.domain.history import History
    from shelfcast_model.ports import FittedForecaster, Forecaster

MOST_KEPT: Final = 32


class InProcessFallbacks:
    """Fits a forecaster once for each tenant and data version, and keeps the last ones."""

    def __init__(self, forecaster: Callable[[str], Forecaster], executor: BlockingExecutor) -> None:
        """Forecaster gives an installed forecaster by name; fits run on `executor`."""
        self._forecaster = forecaster
        self._executor = executor
        self._kept: LRUCache[tuple[str, str, str], FittedForecaster] = LRUCache(MOST_KEPT)
        self._fitting: SingleFlight[tuple[str, str, str], FittedForecaster] = SingleFlight()

    async def fitted(self, name: str, history: History) -> FittedForecaster:
        """Give a forecaster fitted on this history. Raises: HistoryEmpty."""
        key = (history.tenant, history.data_version, name)
        kept = self._kept.get(key)
        if kept is None:
            kept = await self._fitting.run(key, lambda: self._fit(name, history))
            self._kept[key] = kept
        return kept

    async def _fit(self, name: str, history: History) -> FittedForecaster:
        return await self._executor.run(self._forecaster(name).fit, history.panel, FitSettings(), _Unheard())


class _Unheard:
    """Progress that nobody listens to."""

    def report(self, phase: str, done: int, total: int) -> None:
        """Say nothing."""
