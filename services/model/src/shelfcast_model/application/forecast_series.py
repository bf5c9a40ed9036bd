"""Forecast stored series on the highest rung of the ladder that answers."""

from __future__ import annotations

import logging
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.micro_batch import BatchQueueFull

from shelfcast_model.domain.forecast import AUTO, Provenance, Rung, SeriesForecast, basis_of
from shelfcast_model.errors import ModelNotTrained, ModelUnknown
from shelfcast_model.ports import ForecasterFailed, ForecastTask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from shelfcast_model.application.model_shelf import LoadedModel, ModelShelf
    from shelfcast_model.domain.forecast import ForecastOptions
    from shelfcast_model.domain.history import History
    from shelfcast_model.domain.sales_grid import SeriesKey
    from shelfcast_model.ports import (
        FallbackForecasters,
        FittedForecaster,
        ForecastBatch,
        ForecastCompute,
        HistoryView,
        SalesHistory,
    )

FACTOR: Final = "factor"
NAIVE: Final = "seasonal_naive"

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answerer:
    """A forecaster that may answer, and the rung on which it would."""

    rung: Rung
    forecaster: FittedForecaster
    model_version: str | None = None
    trained_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """Which series a batch is about, a page of them at a time."""

    product_ids: tuple[str, ...]
    """Wanted products; none means all."""
    shop_ids: tuple[str, ...]
    """Wanted shops; none means all."""
    size: int
    after: SeriesKey | None = None
    """Last series of the page before."""


@dataclass(frozen=True, slots=True)
class ForecastPage:
    """The forecasts of a page of series, ordered by shop and product."""

    forecasts: tuple[SeriesForecast, ...]
    unknown_product_ids: tuple[str, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """A series, and the history that it is forecast from."""

    view: HistoryView
    series: SeriesKey

    @property
    def data_version(self) -> str:
        """Version of the history."""
        return self.view.history.data_version

    @property
    def inputs_version(self) -> str | None:
        """Version since which its forecasts are the same, by the same model; None if it may be old."""
        return self.view.history.inputs_version(self.series) if self.view.is_current else None


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """Forecast one series or many: champion, else the factor model, else seasonal naive."""

    history: SalesHistory
    shelf: ModelShelf
    fallbacks: FallbackForecasters
    compute: ForecastCompute
    known_models: tuple[str, ...]
    """Forecasters that are installed."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def one(
        self,
        tenant: str,
        product_id: str,
        shop_id: str | None,
        options: ForecastOptions,
        announced: str | None,
    ) -> SeriesForecast:
        """Forecast one product in one shop.

        announced: newest data version that anybody announces, or None.
        Raises: HistoryEmpty, SeriesNotFound, ShopAmbiguous, ModelUnknown, ModelNotTrained.
        """
        return await self.seen(await self.sight(tenant, product_id, shop_id, options, announced), options)

    async def sight(
        self,
        tenant: str,
        product_id: str,
        shop_id: str | None,
        options: ForecastOptions,
        announced: str | None,
    ) -> Sight:
        """Find the series of a forecast, in the newest history that can be had soon. Raises as `one`."""
        self._check(options)
        view = await self.history.view(tenant, announced)
        return Sight(view, view.history.find(product_id, shop_id))

    async def seen(self, sight: Sight, options: ForecastOptions) -> SeriesForecast:
        """Forecast a series that was found. Raises: ModelUnknown, ModelNotTrained."""
        return (await self._answer(sight.view, [sight.series], options))[0]

    async def page(
        self, tenant: str, wanted: SeriesPage, options: ForecastOptions, announced: str | None
    ) -> ForecastPage:
        """Forecast a page of series in one call of the forecaster. Raises as `one`."""
        self._check(options)
        view = await self.history.view(tenant, announced)
        keys, has_more = _page_of(view.history, wanted)
        forecasts = await self._answer(view, keys, options) if keys else ()
        return ForecastPage(tuple(forecasts), _unknown(view.history, wanted), has_more)

    def _check(self, options: ForecastOptions) -> None:
        if options.model != AUTO and options.model not in self.known_models:
            raise ModelUnknown(model=options.model, models=", ".join((AUTO, *self.known_models)))

    async def _answer(
        self, view: HistoryView, keys: Sequence[SeriesKey], options: ForecastOptions
    ) -> Sequence[SeriesForecast]:
        """Go down the ladder until a forecaster gives usable figures."""
        history = view.history
        origin = history.origin(options.as_of)
        positions = tuple(history.positions[key] for key in keys)
        async for answerer in self._ladder(history, options):
            task = ForecastTask(
                answerer.forecaster, history, positions, origin, options.horizon, options.all_levels()
            )
            try:
                batch = await self.compute.forecast(task)
            except (ForecasterFailed, BatchQueueFull) as error:
                _LOG.warning("rung %s gave no answer: %r", answerer.rung.value, error)
                continue
            return self._forecasts(keys, task, batch, options, self._provenance(answerer, view))
        raise ModelNotTrained

    def _provenance(self, answerer: Answerer, view: HistoryView) -> Provenance:
        is_behind = answerer.rung is Rung.CHAMPION and not view.is_current
        return Provenance(
            method=answerer.forecaster.name,
            model_version=answerer.model_version,
            trained_at=answerer.trained_at,
            data_version=view.history.data_version,
            made_at=self.now(),
            rung=Rung.LAST_GOOD if is_behind else answerer.rung,
        )

    async def _ladder(self, history: History, options: ForecastOptions) -> AsyncIterator[Answerer]:
        """Give those who may answer, best first; each is fetched only when it is its turn."""
        champion = await self.shelf.champion(history.tenant)
        if options.model == AUTO:
            if champion is not None:
                yield _from_shelf(champion, Rung.CHAMPION)
        else:
            named = await self._named(history, options.model, champion)
            if named is not None:
                yield named
        stored = await self.shelf.named(history.tenant, FACTOR)
        if stored is not None:
            yield _from_shelf(stored, Rung.STATISTICAL)
        for rung, name in ((Rung.STATISTICAL, FACTOR), (Rung.NAIVE, NAIVE)):
            fallback = await self._fallback(name, history)
            if fallback is not None:
                yield Answerer(rung, fallback)

    async def _named(self, history: History, name: str, champion: LoadedModel | None) -> Answerer | None:
        """Give the forecaster that was asked for by name; None when it cannot answer now.

        Raises: ModelUnknown when nobody trained it.
        """
        if champion is not None and champion.model.forecaster == name:
            return _from_shelf(champion, Rung.CHAMPION)
        rung = {FACTOR: Rung.STATISTICAL, NAIVE: Rung.NAIVE}.get(name, Rung.NONE)
        loaded = await self.shelf.named(history.tenant, name)
        if loaded is not None:
            return _from_shelf(loaded, rung)
        if rung is not Rung.NONE:
            fallback = await self._fallback(name, history)
            return None if fallback is None else Answerer(rung, fallback)
        if not self.shelf.is_trained(history.tenant, name):
            raise ModelUnknown(model=name, models=f"{AUTO}, {FACTOR}, {NAIVE}")
        return None

    async def _fallback(self, name: str, history: History) -> FittedForecaster | None:
        try:
            return await self.fallbacks.fitted(name, history)
        except (ForecasterFailed, ShelfcastError) as error:
            _LOG.warning("%s cannot be fitted in the process: %r", name, error)
            return None

    @staticmethod
    def _forecasts(
        keys: Sequence[SeriesKey],
        task: ForecastTask,
        batch: ForecastBatch,
        options: ForecastOptions,
        provenance: Provenance,
    ) -> Sequence[SeriesForecast]:
        levels = {level: index for index, level in enumerate(batch.levels)}
        lower, upper = (levels[level] for level in options.interval_levels())
        wanted = [levels[level] for level in options.quantile_levels]
        observed = task.history.observed_days(task.positions, task.origin)
        return [
            SeriesForecast(
                series=key,
                origin_date=task.origin,
                options=options,
                mean=batch.mean[row],
                lower=batch.quantiles[row, :, lower],
                upper=batch.quantiles[row, :, upper],
                quantiles=batch.quantiles[row][:, wanted],
                basis=basis_of(int(observed[row])),
                provenance=provenance,
            )
            for row, key in enumerate(keys)
        ]


def _from_shelf(loaded: LoadedModel, rung: Rung) -> Answerer:
    return Answerer(rung, loaded.forecaster, loaded.model.model_version, loaded.model.trained_at)


def _page_of(history: History, wanted: SeriesPage) -> tuple[list[SeriesKey], bool]:
    """Give the keys of a page, in the order of shop and product, and whether more follow."""
    keys = history.grid.series
    start = 0 if wanted.after is None else bisect_right(keys, wanted.after)
    products, shops = set(wanted.product_ids), set(wanted.shop_ids)
    found: list[SeriesKey] = []
    for key in keys[start:]:
        if (not products or key.product_id in products) and (not shops or key.shop_id in shops):
            if len(found) == wanted.size:
                return found, True
            found.append(key)
    return found, False


def _unknown(history: History, wanted: SeriesPage) -> tuple[str, ...]:
    """Give the named products that none of the named shops sells."""
    shops = set(wanted.shop_ids)

    def is_sold(product_id: str) -> bool:
        names = history.shops_of.get(product_id, ())
        return bool(names) and (not shops or not shops.isdisjoint(names))

    return tuple(name for name in dict.fromkeys(wanted.product_ids) if not is_sold(name))
