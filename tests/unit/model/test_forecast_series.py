from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import cast

import numpy as np
import pytest
from shelfcast_model.adapters.compute.batched import BatchedCompute
from shelfcast_model.application.forecast_series import ForecastSeries, SeriesPage
from shelfcast_model.application.model_shelf import LoadedModel, ModelShelf
from shelfcast_model.domain.forecast import Basis, ForecastOptions, Rung, SeriesForecast
from shelfcast_model.domain.history import History, history_of
from shelfcast_model.domain.panel import Panel
from shelfcast_model.domain.sales_grid import SalesRows, empty_grid, with_rows
from shelfcast_model.domain.stored_model import ModelMetrics, Stage, StoredModel
from shelfcast_model.errors import HistoryEmpty, ModelNotTrained, ModelUnknown
from shelfcast_model.ports import FittedForecaster, ForecastBatch, HistoryView
from shelfcast_servicekit.executor import BlockingExecutor

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def history() -> History:
    days = np.arange(70, dtype=np.int32)
    count = len(days)
    rows = SalesRows(
        ("mitte", "nord"),
        ("milk", "oats"),
        np.repeat(np.array([0, 0, 1], np.int32), count),
        np.repeat(np.array([0, 1, 0], np.int32), count),
        np.tile(days, 3),
        np.repeat([5.0, 6.0, 7.0], count),
        np.full(3 * count, np.nan),
        np.full(3 * count, -1, np.int8),
        np.full(3 * count, -1, np.int8),
    )
    return history_of("acme", "dv-1", "snap-1", with_rows(empty_grid(), rows))


@dataclass
class Constant:
    """Forecasts the last quantity of each series, or what it is told."""

    name: str
    value: float | None = None
    error: Exception | None = None
    seconds: float = 0.0
    panels: list[Panel] = field(default_factory=list)

    def forecast(self, panel: Panel, origin: date, horizon: int, levels: tuple[float, ...]) -> ForecastBatch:
        if self.error is not None:
            raise self.error
        time.sleep(self.seconds)
        self.panels.append(panel)
        last = panel.quantity[:, -1] if self.value is None else np.full(len(panel.series), self.value)
        mean = np.repeat(last[:, None], horizon, axis=1)
        spread = np.array([level - 0.5 for level in levels])
        return ForecastBatch(mean, mean[:, :, None] + spread, levels)


@dataclass
class Shelf:
    champion_: Constant | None = None
    others: dict[str, Constant] = field(default_factory=dict)
    damaged: frozenset[str] = frozenset()

    def _loaded(self, forecaster: Constant | None) -> LoadedModel | None:
        if forecaster is None:
            return None
        model = StoredModel(
            "id",
            "acme",
            forecaster.name,
            "20260501_120000",
            Stage.CHAMPION,
            "s",
            "dv-1",
            1,
            3,
            1.0,
            ModelMetrics(),
            "p",
            "0",
            "",
            "j",
            NOON,
        )
        return LoadedModel(model, cast("FittedForecaster", forecaster))

    async def champion(self, tenant: str) -> LoadedModel | None:
        return self._loaded(self.champion_)

    async def named(self, tenant: str, name: str) -> LoadedModel | None:
        return self._loaded(self.others.get(name))

    def is_trained(self, tenant: str, name: str) -> bool:
        return name in self.damaged


@dataclass
class Fallbacks:
    known: dict[str, Constant] = field(
        default_factory=lambda: {"factor": Constant("factor"), "seasonal_naive": Constant("seasonal_naive")}
    )

    async def fitted(self, name: str, history: History) -> FittedForecaster:
        if name not in self.known:
            raise HistoryEmpty
        return cast("FittedForecaster", self.known[name])


@dataclass
class Held:
    history: History = field(default_factory=history)
    is_current: bool = True

    async def view(self, tenant: str, announced: str | None) -> HistoryView:
        return HistoryView(self.history, self.is_current)


@pytest.fixture
def forecast_with() -> Iterator[Callable[..., ForecastSeries]]:
    network, others = BlockingExecutor("network", 1), BlockingExecutor("others", 1)

    def make(shelf: Shelf, fallbacks: Fallbacks | None = None, held: Held | None = None) -> ForecastSeries:
        return ForecastSeries(
            held or Held(),
            cast("ModelShelf", shelf),
            fallbacks or Fallbacks(),
            BatchedCompute(network, others, 0.2),
            ("seasonal_naive", "factor", "lightgbm", "gru"),
            lambda: NOON,
        )

    yield make
    network.close()
    others.close()


Make = Callable[..., ForecastSeries]


async def ask(forecast: ForecastSeries, model: str = "auto") -> SeriesForecast:
    return await forecast.one("acme", "oats", None, ForecastOptions(horizon=3, model=model), "dv-1")


async def test_the_champion_answers_with_its_provenance(forecast_with: Make) -> None:
    answer = await ask(forecast_with(Shelf(Constant("gru"))))

    assert answer.mean.tolist() == [6.0, 6.0, 6.0]
    assert (answer.lower < answer.mean).all()
    assert (answer.mean < answer.upper).all()
    assert answer.basis is Basis.HISTORY
    assert answer.origin_date == date(1970, 1, 1) + timedelta(days=69)
    provenance = answer.provenance
    assert (provenance.rung, provenance.method) == (Rung.CHAMPION, "gru")
    assert (provenance.model_version, provenance.data_version) == ("20260501_120000", "dv-1")


@pytest.mark.parametrize(
    "champion",
    [
        None,
        Constant("gru", value=float("nan")),
        Constant("gru", error=RuntimeError("the graph broke")),
        Constant("gru", error=ZeroDivisionError()),
        Constant("gru", seconds=0.5),
    ],
)
async def test_a_champion_without_usable_figures_leaves_the_statistical_rung(
    forecast_with: Make, champion: Constant | None
) -> None:
    answer = await ask(forecast_with(Shelf(champion)))

    assert (answer.provenance.rung, answer.provenance.method) == (Rung.STATISTICAL, "factor")
    assert answer.provenance.model_version is None


async def test_a_stored_factor_model_goes_before_a_quick_one(forecast_with: Make) -> None:
    answer = await ask(forecast_with(Shelf(None, {"factor": Constant("factor")})))

    assert answer.provenance.rung is Rung.STATISTICAL
    assert answer.provenance.model_version == "20260501_120000"


async def test_seasonal_naive_is_the_last_to_answer(forecast_with: Make) -> None:
    fallbacks = Fallbacks({"seasonal_naive": Constant("seasonal_naive")})

    answer = await ask(forecast_with(Shelf(), fallbacks))

    assert answer.provenance.rung is Rung.NAIVE
    with pytest.raises(ModelNotTrained):
        await ask(forecast_with(Shelf(), Fallbacks({})))


async def test_on_older_data_the_champion_is_the_last_good(forecast_with: Make) -> None:
    answer = await ask(forecast_with(Shelf(Constant("gru")), None, Held(is_current=False)))

    assert answer.provenance.rung is Rung.LAST_GOOD


@pytest.mark.parametrize(
    ("model", "rung"),
    [
        ("gru", Rung.CHAMPION),
        ("lightgbm", Rung.NONE),
        ("factor", Rung.STATISTICAL),
        ("seasonal_naive", Rung.NAIVE),
    ],
)
async def test_a_forecaster_asked_for_by_name_stands_where_it_stands(
    forecast_with: Make, model: str, rung: Rung
) -> None:
    answer = await ask(forecast_with(Shelf(Constant("gru"), {"lightgbm": Constant("lightgbm")})), model)

    assert (answer.provenance.method, answer.provenance.rung) == (model, rung)


async def test_a_name_that_nobody_trained_is_unknown_and_a_damaged_one_is_replaced(
    forecast_with: Make,
) -> None:
    with pytest.raises(ModelUnknown):
        await ask(forecast_with(Shelf()), "gru")
    with pytest.raises(ModelUnknown):
        await ask(forecast_with(Shelf()), "oracle")

    answer = await ask(forecast_with(Shelf(damaged=frozenset({"gru"}))), "gru")

    assert answer.provenance.rung is Rung.STATISTICAL


async def test_a_page_is_one_call_in_the_order_of_shop_and_product(forecast_with: Make) -> None:
    champion = Constant("gru")
    forecast = forecast_with(Shelf(champion))

    page = await forecast.page(
        "acme", SeriesPage(("milk", "tea"), (), 10), ForecastOptions(quantile_levels=()), "dv-1"
    )

    assert [each.series for each in page.forecasts] == [("mitte", "milk"), ("nord", "milk")]
    assert [each.mean[0] for each in page.forecasts] == [5.0, 7.0]
    assert page.forecasts[0].quantiles.shape == (14, 0)
    assert page.unknown_product_ids == ("tea",)
    assert len(champion.panels) == 1


async def test_a_page_without_a_match_is_empty(forecast_with: Make) -> None:
    page = await forecast_with(Shelf()).page("acme", SeriesPage(("tea",), (), 10), ForecastOptions(), None)

    assert (page.forecasts, page.has_more) == ((), False)
