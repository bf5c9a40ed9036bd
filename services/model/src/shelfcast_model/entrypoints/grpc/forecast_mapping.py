"""Forecast requests as values, and forecasts as messages."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_pb2, forecast_service_pb2
from shelfcast_servicekit.errors import DateMalformed, FieldMissing, Violation
from shelfcast_servicekit.identifier import normal_id

from shelfcast_model.application.submit_training import TrainingWish
from shelfcast_model.domain.forecast import (
    AUTO,
    DEFAULT_CONFIDENCE,
    DEFAULT_HORIZON,
    DEFAULT_LEVELS,
    ForecastOptions,
    Rung,
    SeriesForecast,
)
from shelfcast_model.domain.stored_model import Promotion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    AnyForecastRequest: TypeAlias = (
        forecast_service_pb2.GetForecastRequest | forecast_service_pb2.BatchGetForecastsRequest
    )

RUNGS: Final = {
    Rung.CHAMPION: provenance_pb2.RUNG_CHAMPION,
    Rung.LAST_GOOD: provenance_pb2.RUNG_LAST_GOOD,
    Rung.STATISTICAL: provenance_pb2.RUNG_STATISTICAL,
    Rung.NAIVE: provenance_pb2.RUNG_NAIVE,
    Rung.NONE: provenance_pb2.RUNG_UNSPECIFIED,
}
PROMOTIONS: Final = {
    forecast_service_pb2.PROMOTION_UNSPECIFIED: Promotion.GATE,
    forecast_service_pb2.PROMOTION_GATE: Promotion.GATE,
    forecast_service_pb2.PROMOTION_NEVER: Promotion.NEVER,
    forecast_service_pb2.PROMOTION_FORCE: Promotion.FORCE,
}
DATE_ALONE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DIGITS: Final = 6
"""Decimals of a quantity in a reply: those that the store keeps."""


def options_of(request: AnyForecastRequest, default_levels: tuple[float, ...]) -> ForecastOptions:
    """Give the options of a request. Raises: DateMalformed."""
    return ForecastOptions(
        horizon=request.horizon if request.HasField("horizon") else DEFAULT_HORIZON,
        confidence_interval=(
            request.confidence_interval if request.HasField("confidence_interval") else DEFAULT_CONFIDENCE
        ),
        quantile_levels=tuple(sorted(set(request.quantiles))) or default_levels,
        model=request.model or AUTO,
        as_of=business_date(request.as_of, "/as_of") if request.as_of else None,
    )


def single_of(
    request: forecast_service_pb2.GetForecastRequest,
) -> tuple[str, str | None, ForecastOptions]:
    """Give product, shop (None: not named) and options. Raises: FieldMissing, FieldRuleViolated."""
    if not request.product_id:
        fault = Violation("/product_id", "product_id must be present.", "required")
        raise FieldMissing(violations=[fault], field="product_id")
    shop = normal_id(request.shop_id, "/shop_id") if request.HasField("shop_id") else None
    return normal_id(request.product_id, "/product_id"), shop, options_of(request, DEFAULT_LEVELS)


def wish_of(request: forecast_service_pb2.RetrainModelsRequest) -> TrainingWish:
    """Give what is to be trained."""
    return TrainingWish(
        models=tuple(request.models),
        promotion=PROMOTIONS.get(request.promote, Promotion.GATE),
        seed=request.seed if request.HasField("seed") else 1,
        shop_ids=tuple(request.shop_ids),
        product_ids=tuple(request.product_ids),
    )


def business_date(text: str, pointer: str) -> date:
    """Read `YYYY-MM-DD`, or the date of an ISO 8601 date-time. Raises: DateMalformed with the pointer."""
    try:
        if DATE_ALONE.fullmatch(text):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        fault = Violation(pointer, f"{text[:40]!r} is not a calendar date.", "date")
        raise DateMalformed(violations=[fault], value=text[:40]) from error


def forecast_to_proto(forecast: SeriesForecast) -> forecast_pb2.Forecast:
    """Give the message of a forecast."""
    options, provenance = forecast.options, forecast.provenance
    message = forecast_pb2.Forecast(
        product_id=forecast.series.product_id,
        shop_id=forecast.series.shop_id,
        origin_date=forecast.origin_date.isoformat(),
        horizon=options.horizon,
        confidence_interval=options.confidence_interval,
        quantile_levels=options.quantile_levels,
        predictions=_points(forecast),
        method=provenance.method,
        model_version=provenance.model_version,
        data_version=provenance.data_version,
        rung=RUNGS[provenance.rung],
        basis=forecast.basis.value,
    )
    message.as_of.FromDatetime(provenance.made_at)
    if provenance.trained_at is not None:
        message.trained_at.FromDatetime(provenance.trained_at)
    return message


def _points(forecast: SeriesForecast) -> Sequence[forecast_pb2.ForecastPoint]:
    mean, lower, upper = _units(forecast.mean), _units(forecast.lower), _units(forecast.upper)
    quantiles = np.round(np.maximum(forecast.quantiles, 0.0), DIGITS).tolist()
    origin = forecast.origin_date
    return [
        forecast_pb2.ForecastPoint(
            date=(origin + timedelta(days=day + 1)).isoformat(),
            predicted_qty=mean[day],
            lower_ci=lower[day],
            upper_ci=upper[day],
            quantiles=quantiles[day],
        )
        for day in range(len(mean))
    ]


def _units(values: NDArray[np.float64]) -> list[float]:
    rounded: list[float] = np.round(np.maximum(values, 0.0), DIGITS).tolist()
    return rounded
