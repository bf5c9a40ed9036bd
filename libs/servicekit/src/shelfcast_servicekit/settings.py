"""The settings that every service reads from the environment, once, typed and documented."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from shelfcast_servicekit.secret_file import read_or_create_secret

PREFIX: Final = "SHELFCAST_"
MINIMUM_KEY_LENGTH: Final = 32
DEFAULT_PORTS: Final = {
    "gateway": 8000,
    "data": 50051,
    "model": 50052,
    "planning": 50053,
    "monitoring": 50054,
}

Port = Annotated[int, Field(ge=0, le=65535)]


class ServiceSettings(BaseSettings):
    """Settings shared by all services; a service subclasses it, names itself and adds its own."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        env_ignore_empty=True,
        populate_by_name=True,
        validate_default=True,
    )

    service_name: ClassVar[str] = "service"
    """Short name of the service: gateway, data, model, planning or monitoring."""

    mode: Literal["embedded", "full"] = "embedded"
    """How the service is set up: `embedded` needs nothing prepared, `full` has no default secrets."""
    bind_host: str = "127.0.0.1"
    """Address that the server listens on."""
    port: Port = 0
    """Port that the server listens on; 0 takes a free one."""
    data_dir: Path = Path("./var/shelfcast")
    """Folder for everything that the embedded mode keeps."""
    database_url: str = ""
    """SQLAlchemy URL of the store; unset means an SQLite file of the service in the data folder."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """URL of Redis or Valkey: cache, announcements and job delivery."""
    store_url: str = ""
    """fsspec URL of snapshots and model artefacts; unset means the folder `store` in the data folder."""
    internal_token_key: SecretStr | None = None
    """Key of the tokens between services, 32 characters or more; unset in embedded mode means a file."""
    log_format: Literal["json", "console"] = "json"
    """Form of the log lines on standard error."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity that is logged."""
    metrics_port: Port = 0
    """Port of the Prometheus listener on the loopback address; 0 means none."""
    data_target: str = "127.0.0.1:50051"
    """gRPC target of the data service."""
    model_target: str = "127.0.0.1:50052"
    """gRPC target of the model service."""
    planning_target: str = "127.0.0.1:50053"
    """gRPC target of the planning service."""
    monitoring_target: str = "127.0.0.1:50054"
    """gRPC target of the monitoring service."""
    otel_exporter_otlp_endpoint: str = Field(
        default="http://127.0.0.1:4317", validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    """OTLP/gRPC receiver of traces and logs; `none` switches the export off."""
    trace_sample_ratio: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Share of new traces that are recorded, 0 to 1; a caller's decision is always kept."""
    traces_per_second: Annotated[float, Field(gt=0.0)] = 50.0
    """New traces that are recorded a second at most; a caller's decision is always kept."""

    @model_validator(mode="after")
    def _fill_defaults(self) -> Self:
        fill = object.__setattr__  # the model is frozen for everybody else
        if not self.database_url:
            fill(self, "database_url", f"sqlite:///{self.data_dir}/{self.service_name}.sqlite")
        if not self.store_url:
            fill(self, "store_url", (self.data_dir / "store").absolute().as_uri())
        self._check_key()
        return self

    def _check_key(self) -> None:
        if self.internal_token_key is None:
            if self.mode == "full":
                raise ValueError(f"{PREFIX}INTERNAL_TOKEN_KEY is required in full mode")
        elif len(self.internal_token_key.get_secret_value()) < MINIMUM_KEY_LENGTH:
            raise ValueError(f"{PREFIX}INTERNAL_TOKEN_KEY needs {MINIMUM_KEY_LENGTH} characters or more")

    def token_key(self) -> bytes:
        """Give the key of the internal tokens; embedded mode makes it in the data folder."""
        if self.internal_token_key is not None:
            return self.internal_token_key.get_secret_value().encode()
        return read_or_create_secret(self.data_dir / "secrets" / "internal_token_key").encode()

    @classmethod
    def load(cls) -> Self:
        """Read the environment; name every wrong or missing variable and exit with code 2."""
        try:
            return cls()
        except ValidationError as error:
            sys.stderr.write(_complaint(cls, error))
            raise SystemExit(2) from None


def variable_name(settings: type[ServiceSettings], field: str) -> str:
    """Give the environment variable that sets a field."""
    info = settings.model_fields.get(field)
    if info is not None and isinstance(info.validation_alias, str):
        return info.validation_alias
    return field if field.isupper() else PREFIX + field.upper()


def _complaint(settings: type[ServiceSettings], error: ValidationError) -> str:
    lines = ["Settings are wrong or missing:"]
    for fault in error.errors(include_input=False, include_url=False):
        text = fault["msg"].removeprefix("Value error, ")
        name = variable_name(settings, str(fault["loc"][0])) if fault["loc"] else ""
        lines.append(f"  {name}: {text}" if name else f"  {text}")
    return "\n".join(lines) + "\n"


def settings_table(settings: type[ServiceSettings]) -> str:
    """Render the settings of a service as a Markdown table for its README."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, info in settings.model_fields.items():
        meaning = " ".join((info.description or "").split())
        rows.append(f"| `{variable_name(settings, name)}` | {_default_text(info)} | {meaning} |")
    return "\n".join(rows) + "\n"


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", {}):
        return ""
    return "(secret)" if isinstance(default, SecretStr) else f"`{getattr(default, 'value', default)}`"
