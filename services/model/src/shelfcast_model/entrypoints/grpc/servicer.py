"""The RPC methods of forecasting and of the model registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from shelfcast.forecast.v1 import forecast_pb2, forecast_service_pb2, forecast_service_pb2_grpc
from shelfcast.registry.v1 import model_pb2, model_service_pb2, model_service_pb2_grpc
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import PageTokenInvalid
from shelfcast_servicekit.identifier import normal_id
from shelfcast_servicekit.jobs.mapping import job_to_proto
from shelfcast_servicekit.paging import PageTokens, page_size_of

from shelfcast_model.application.forecast_series import SeriesPage
from shelfcast_model.domain.sales_grid import SeriesKey
from shelfcast_model.entrypoints.grpc.call_context import CallContext, idempotency_key_of
from shelfcast_model.entrypoints.grpc.forecast_mapping import (
    forecast_to_proto,
    options_of,
    single_of,
    wish_of,
)
from shelfcast_model.entrypoints.grpc.registry_mapping import model_to_proto
from shelfcast_model.entrypoints.grpc.replies import ForecastReplies, Versions

if TYPE_CHECKING:
    from shelfcast.jobs.v1 import job_pb2

    from shelfcast_model.application.forecast_series import ForecastSeries, Sight
    from shelfcast_model.application.read_models import PromoteModel, ReadModels
    from shelfcast_model.application.submit_training import SubmitTraining
    from shelfcast_model.domain.forecast import ForecastOptions

ReadDataVersion: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Gives the announced data version of a tenant, or None."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ForecastDesk:
    """What the forecast servicer hands requests to."""

    forecast: ForecastSeries
    train: SubmitTraining
    replies: ForecastReplies
    data_version: ReadDataVersion
    tokens: PageTokens


class ForecastServicer(forecast_service_pb2_grpc.ForecastServiceServicer):
    """Forecasts stored series, one or many, and starts trainings."""

    def __init__(self, desk: ForecastDesk) -> None:
        """Hand requests to the use cases of `desk`."""
        self._desk = desk
        self._label = desk.forecast.shelf.label

    async def GetForecast(
        self, request: forecast_service_pb2.GetForecastRequest, context: object
    ) -> forecast_pb2.Forecast:
        """Forecast one product in one shop."""
        desk, tenant = self._desk, current_caller().tenant
        announced = await desk.data_version(tenant)
        versions = Versions(announced, self._label(tenant))
        kept = desk.replies.near(tenant, request.SerializeToString(deterministic=True), versions)
        if kept is not None:
            return kept
        wish = _Wish(desk.forecast, tenant, *single_of(request), announced)
        return await desk.replies.serve(tenant, request, versions, wish)

    async def BatchGetForecasts(
        self, request: forecast_service_pb2.BatchGetForecastsRequest, context: object
    ) -> forecast_service_pb2.BatchGetForecastsResponse:
        """Forecast a page of series in one call."""
        desk, tenant = self._desk, current_caller().tenant
        scope = _batch_scope(request)
        wanted = SeriesPage(
            product_ids=tuple(normal_id(name, "/product_ids") for name in request.product_ids),
            shop_ids=tuple(normal_id(name, "/shop_ids") for name in request.shop_ids),
            size=page_size_of(request.page_size),
            after=_series_after(desk.tokens.read(request.page_token, tenant, scope)),
        )
        announced = await desk.data_version(tenant)
        page = await desk.forecast.page(tenant, wanted, options_of(request, ()), announced)
        reply = forecast_service_pb2.BatchGetForecastsResponse(
            forecasts=[forecast_to_proto(forecast) for forecast in page.forecasts],
            unknown_product_ids=page.unknown_product_ids,
        )
        if page.has_more:
            reply.next_page_token = desk.tokens.issue(tenant, scope, page.forecasts[-1].series)
        return reply

    async def RetrainModels(
        self, request: forecast_service_pb2.RetrainModelsRequest, context: CallContext
    ) -> job_pb2.Job:
        """Start a training as a job."""
        caller, key = current_caller(), idempotency_key_of(context)
        job = await self._desk.train(caller, wish_of(request), key)
        return job_to_proto(job)


@dataclass(slots=True)
class _Wish:
    """One forecast that is asked for."""

    forecast: ForecastSeries
    tenant: str
    product_id: str
    shop_id: str | None
    options: ForecastOptions
    announced: str | None
    _seen: Sight | None = None

    async def sight(self) -> Sight:
        """Find what it is made from, once."""
        if self._seen is None:
            self._seen = await self.forecast.sight(
                self.tenant, self.product_id, self.shop_id, self.options, self.announced
            )
        return self._seen

    async def make(self) -> forecast_pb2.Forecast:
        """Make it."""
        return forecast_to_proto(await self.forecast.seen(await self.sight(), self.options))


def _batch_scope(request: forecast_service_pb2.BatchGetForecastsRequest) -> dict[str, str]:
    """Give what a page token is bound to: all of the request but the token and the page size."""
    bound = forecast_service_pb2.BatchGetForecastsRequest()
    bound.CopyFrom(request)
    bound.ClearField("page_token")
    bound.ClearField("page_size")
    return {"list": "forecasts", "request": bound.SerializeToString(deterministic=True).hex()}


def _series_after(position: tuple[str, ...]) -> SeriesKey | None:
    if not position:
        return None
    if len(position) != 2:
        raise PageTokenInvalid
    return SeriesKey(*position)


class ModelServicer(model_service_pb2_grpc.ModelServiceServicer):
    """Shows the trained models and promotes one."""

    def __init__(self, read: ReadModels, promote: PromoteModel, tokens: PageTokens) -> None:
        """Hand requests to the use cases."""
        self._read = read
        self._promote = promote
        self._tokens = tokens

    async def GetModel(self, request: model_service_pb2.GetModelRequest, context: object) -> model_pb2.Model:
        """Read one model."""
        return model_to_proto(await self._read.one(current_caller().tenant, request.model_id))

    async def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: object
    ) -> model_service_pb2.ListModelsResponse:
        """List models, newest first."""
        tenant, size, scope = current_caller().tenant, page_size_of(request.page_size), {"list": "models"}
        before = _model_before(self._tokens.read(request.page_token, tenant, scope))
        models = await self._read.page(tenant, size + 1, before)
        reply = model_service_pb2.ListModelsResponse(
            models=[model_to_proto(model) for model in models[:size]]
        )
        if len(models) > size:
            last = reply.models[-1]
            place = (str(last.trained_at.ToMicroseconds()), last.model_id)
            reply.next_page_token = self._tokens.issue(tenant, scope, place)
        return reply

    async def PromoteModel(
        self, request: model_service_pb2.PromoteModelRequest, context: object
    ) -> model_pb2.Model:
        """Make a model the champion."""
        caller = current_caller()
        return model_to_proto(await self._promote(caller.tenant, request.model_id, caller.principal))


def _model_before(position: tuple[str, ...]) -> tuple[datetime, str] | None:
    if not position:
        return None
    if len(position) != 2:
        raise PageTokenInvalid
    return _EPOCH + timedelta(microseconds=int(position[0])), position[1]
