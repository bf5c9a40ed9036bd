"""The forecasters that this release brings, by name; each library is imported only when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast_model.errors import ModelUnknown

if TYPE_CHECKING:
    from shelfcast_model.ports import Forecaster

INSTALLED: Final = ("seasonal_naive", "factor", "lightgbm", "gru")
"""Cheapest first."""


def installed(name: str) -> Forecaster:
    """Give an installed forecaster. Raises: ModelUnknown.

    TensorFlow takes 0.6 GB and two seconds: it is loaded with the first network, not before.
    """
    if name == "seasonal_naive":
        from shelfcast_model.adapters.seasonal_naive import SeasonalNaive  # noqa: PLC0415

        return SeasonalNaive()
    if name == "factor":
        from shelfcast_model.adapters.factor_model import FactorModel  # noqa: PLC0415

        return FactorModel()
    if name == "lightgbm":
        from shelfcast_model.adapters.lightgbm_quantile import Lightgbm  # noqa: PLC0415

        return Lightgbm()
    if name == "gru":
        from shelfcast_model.adapters.keras_gru.forecaster import Gru  # noqa: PLC0415

        return Gru()
    raise ModelUnknown(model=name, models=", ".join(INSTALLED))
