"""The settings of the monitoring service."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, SecretStr, model_validator
from shelfcast_servicekit.settings import DEFAULT_PORTS, PREFIX, Port, ServiceSettings

from shelfcast_monitoring.domain.loopback import is_loopback

OTLP_PORT: Final = 4317

Seconds = Annotated[float, Field(gt=0)]
Megabytes = Annotated[int, Field(ge=1)]


class MonitoringSettings(ServiceSettings):
    """Settings of the monitoring service."""

    service_name: ClassVar[str] = "monitoring"

    port: Port = DEFAULT_PORTS["monitoring"]
    """Port of the gRPC server; 0 takes a free one."""
    otlp_host: str = "127.0.0.1"
    """Address of the OTLP receiver; any other than loopback needs `SHELFCAST_OTLP_TOKEN`."""
    otlp_port: Port = OTLP_PORT
    """Port of the OTLP receiver; 0 takes a free one."""
    otlp_token: SecretStr | None = None
    """Bearer token that senders must show; unset means none is asked for, on the loopback address only."""
    otlp_queue_items: Annotated[int, Field(ge=1)] = 20_000
    """Spans, and as many log records, that may wait for the store; more are dropped and counted."""
    otlp_queue_mb: Megabytes = 32
    """Megabytes that may wait for the store, for spans and log records each."""
    trace_retention_hours: Seconds = 168.0
    """Hours that a trace is kept after its last span came."""
    log_retention_hours: Seconds = 168.0
    """Hours that a log record is kept after it came."""
    trace_store_mb: Megabytes = 512
    """Megabytes that traces may take in the store, about; the oldest go first."""
    log_store_mb: Megabytes = 256
    """Megabytes that log records may take in the store, about; the oldest go first."""
    prune_seconds: Seconds = 60.0
    """Seconds between two rounds of pruning."""
    max_spans_per_trace: Annotated[int, Field(ge=1)] = 10_000
    """Spans kept of one trace; further ones are left out."""
    gateway_url: str = "http://127.0.0.1:8000"
    """Where the gateway's `/livez` and `/readyz` are asked for the health board."""
    health_board_seconds: Seconds = 5.0
    """Seconds between two looks at the health of all services."""
    health_timeout_seconds: Seconds = 2.0
    """Longest wait for a service's answer about its health, in seconds."""

    @model_validator(mode="after")
    def _check_receiver(self) -> Self:
        if self.otlp_token is None and not is_loopback(self.otlp_host):
            raise ValueError(f"{PREFIX}OTLP_TOKEN is required unless {PREFIX}OTLP_HOST is a loopback address")
        return self
