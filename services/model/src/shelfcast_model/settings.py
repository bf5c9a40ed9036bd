"""Settings of the model service."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from shelfcast_servicekit.settings import DEFAULT_PORTS, Port, ServiceSettings


class ModelSettings(ServiceSettings):
    """What the model service reads from the environment."""

    service_name: ClassVar[str] = "model"

    port: Port = DEFAULT_PORTS["model"]
    """Port that the server listens on; 0 takes a free one."""
    history_tenants: Annotated[int, Field(ge=1)] = 16
    """Tenants whose sales history is held in memory; the least recently used one goes first."""
    champion_tenants: Annotated[int, Field(ge=1)] = 16
    """Tenants whose champion is held in memory; the least recently used one goes first."""
    champion_poll_seconds: Annotated[float, Field(gt=0)] = 1.0
    """How often the registry is asked for new champions, in seconds."""
    forecast_cache_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """How long a forecast is kept in Redis under its versions, in seconds."""
    forecast_cache_entries: Annotated[int, Field(ge=0)] = 8192
    """Forecasts kept in the process under their versions; 0 switches this layer off."""
    data_wait_seconds: Annotated[float, Field(ge=0)] = 1.0
    """How long a request waits for new sales to be taken in before it is answered from the former ones."""
    holdout_days: Annotated[int, Field(ge=1)] = 28
    """Last days that a training scores its models on; fewer where the history is short."""
    train_steps: Annotated[int, Field(ge=1)] | None = None
    """Training steps of the network; unset lets the size of the data decide."""
