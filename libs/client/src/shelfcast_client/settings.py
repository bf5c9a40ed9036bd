"""What the command `shelfcast` reads from the environment, once, typed and documented."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "SHELFCAST_"

Port = Annotated[int, Field(ge=0, le=65535)]


class ClientSettings(BaseSettings):
    """Settings of the command; options of the command line win over them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True, env_ignore_empty=True
    )

    url: str = ""
    """Base URL of the gateway; unset means the one that `shelfcast up` started on this data folder."""
    api_key: SecretStr | None = None
    """Credential; unset means the one that `shelfcast up` keeps in this data folder."""
    mode: Literal["embedded", "full"] = "embedded"
    """How `up` sets the services up: `embedded` needs nothing prepared, `full` has no default secrets."""
    data_dir: Path = Path("./var/shelfcast")
    """Folder for everything that the embedded mode keeps."""
    database_url: str = ""
    """SQLAlchemy URL of the store that `up` runs on; unset means SQLite files in the data folder."""
    redis_url: str = ""
    """URL of Redis or Valkey that `up` runs on; unset means a Valkey server of its own."""
    tenant: str = "demo"
    """Tenant of the credential that `up` creates."""
    gateway_port: Port = 8000
    """Port of the gateway under `up`; 0 takes a free one, and so does a taken port that is not set."""
    data_port: Port = 50051
    """Port of the data service under `up`."""
    model_port: Port = 50052
    """Port of the model service under `up`."""
    planning_port: Port = 50053
    """Port of the planning service under `up`."""
    monitoring_port: Port = 50054
    """Port of the monitoring service under `up`."""
    otlp_port: Port = 4317
    """Port of the OTLP receiver under `up`."""
    valkey_port: Port = 0
    """Port of the embedded Valkey server under `up`."""
    ready_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long `up` waits for all services before it gives up, in seconds."""


def process_environment() -> dict[str, str]:
    """Give a copy of the environment, for child processes."""
    return dict(os.environ)  # noqa: TID251 - this is settings
