"""Tables in and out: sales as CSV bytes, forecasts as frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_pb2


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """The forecast of one series, column by column."""

    facts: Mapping[str, str | None]
    """What holds for all days: shop_id and product_id, and the columns of `FACTS`."""
    dates: Sequence[str]
    """Business dates, YYYY-MM-DD."""
    predicted_qty: Sequence[float]
    """Expected demand in units."""
    lower_ci: Sequence[float]
    """Lower end of the central interval, in units."""
    upper_ci: Sequence[float]
    """Upper end of the central interval, in units."""
    quantiles: Mapping[str, Sequence[float]]
    """Units by quantile, under names such as `q05`."""


FACTS = ("method", "model_version", "data_version", "origin_date", "rung", "basis")


def forecast_from_json(body: Mapping[str, object]) -> SeriesForecast:
    """Read the forecast of one series from a reply's body."""
    points = [row for row in _list(body["predictions"]) if isinstance(row, Mapping)]
    levels = [float(str(level)) for level in _list(body.get("quantile_levels"))]
    facts = {name: _text_or_none(body.get(name)) for name in ("shop_id", "product_id", *FACTS)}
    return SeriesForecast(
        facts=facts,
        dates=[str(point["date"]) for point in points],
        predicted_qty=[point["predicted_qty"] for point in points],
        lower_ci=[point["lower_ci"] for point in points],
        upper_ci=[point["upper_ci"] for point in points],
        quantiles=_columns(levels, [point["quantiles"] for point in points]),
    )


def forecast_from_proto(message: forecast_pb2.Forecast) -> SeriesForecast:
    """Read the forecast of one series from its message."""
    points = message.predictions
    facts = {name: str(getattr(message, name)) for name in ("shop_id", "product_id", *FACTS)}
    rung = provenance_pb2.Rung.Name(message.rung).removeprefix("RUNG_").lower()
    version = message.model_version if message.HasField("model_version") else None
    return SeriesForecast(
        facts={**facts, "rung": rung, "model_version": version},
        dates=[point.date for point in points],
        predicted_qty=[point.predicted_qty for point in points],
        lower_ci=[point.lower_ci for point in points],
        upper_ci=[point.upper_ci for point in points],
        quantiles=_columns(list(message.quantile_levels), [point.quantiles for point in points]),
    )


def forecast_frame(forecasts: Iterable[SeriesForecast]) -> pd.DataFrame:
    """Give one row a series and day: the series, the date, the figures and quantiles, and the facts."""
    frames = [_series_frame(forecast) for forecast in forecasts]
    if not frames:
        return pd.DataFrame(
            columns=["shop_id", "product_id", "date", "predicted_qty", "lower_ci", "upper_ci", *FACTS]
        )
    return pd.concat(frames, ignore_index=True)


def quantile_name(level: float) -> str:
    """Give the column of a quantile.

    >>> quantile_name(0.05), quantile_name(0.5), quantile_name(0.975)
    ('q05', 'q50', 'q97.5')
    """
    percent = round(level * 100, 6)
    whole = math.floor(percent)
    rest = f"{percent - whole:g}"[1:] if percent != whole else ""
    return f"q{whole:02d}{rest}"


def sales_csv(sales: pd.DataFrame) -> bytes:
    """Give a frame of sales as the CSV bytes that an import takes; dates become YYYY-MM-DD."""
    columns = {
        name: sales[name].dt.strftime("%Y-%m-%d")
        for name in sales.columns
        if pd.api.types.is_datetime64_any_dtype(sales[name])
    }
    return sales.assign(**columns).to_csv(index=False).encode()


def _series_frame(forecast: SeriesForecast) -> pd.DataFrame:
    head = {name: forecast.facts[name] for name in ("shop_id", "product_id")}
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(pd.Series(forecast.dates, dtype="str"), format="%Y-%m-%d"),
            "predicted_qty": forecast.predicted_qty,
            "lower_ci": forecast.lower_ci,
            "upper_ci": forecast.upper_ci,
            **forecast.quantiles,
        }
    ).assign(**{name: forecast.facts[name] for name in FACTS})
    for place, (name, value) in enumerate(head.items()):
        frame.insert(place, name, value)
    return frame


def _columns(levels: Sequence[float], rows: Sequence[Sequence[float]]) -> dict[str, Sequence[float]]:
    return {quantile_name(level): [row[place] for row in rows] for place, level in enumerate(levels)}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
