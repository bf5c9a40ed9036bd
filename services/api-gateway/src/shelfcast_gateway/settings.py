"""What the environment says to the gateway."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from shelfcast_servicekit.settings import DEFAULT_PORTS, Port, ServiceSettings

Positive = Annotated[float, Field(gt=0)]
PositiveCount = Annotated[int, Field(gt=0)]


class GatewaySettings(ServiceSettings):
    """Settings of the gateway."""

    service_name: ClassVar[str] = "gateway"

    port: Port = DEFAULT_PORTS["gateway"]
    """Port that the server listens on; 0 takes a free one."""
    max_body_bytes: PositiveCount = 32 * 1024 * 1024
    """Largest JSON body, in bytes, compressed or not."""
    max_upload_bytes: PositiveCount = 8 * 1024 * 1024 * 1024
    """Largest uploaded file, in bytes."""
    read_rate_per_second: Positive = 2_000.0
    """Reads a second that one caller may make in the long run."""
    read_burst: PositiveCount = 4_000
    """Reads that one caller may make at once."""
    write_rate_per_second: Positive = 200.0
    """Writes a second that one caller may make in the long run."""
    write_burst: PositiveCount = 400
    """Writes that one caller may make at once."""
    upload_rate_per_second: Positive = 2.0
    """Uploads a second that one caller may make in the long run."""
    upload_burst: PositiveCount = 30
    """Uploads that one caller may make at once."""
    verdict_seconds: Positive = 30.0
    """How long the owner of an API key is remembered, in seconds."""
    stale_verdict_seconds: Positive = 600.0
    """How long a remembered owner still counts while the data service is away, in seconds."""
    stream_idle_seconds: Positive = 300.0
    """How long a reply stream may be silent before it ends, in seconds."""
    heartbeat_seconds: Positive = 15.0
    """Time between heartbeat comments of an event stream, in seconds."""
    cors_origins: tuple[str, ...] = ()
    """Origins of web pages that may call the API; none means only pages of the gateway itself."""
    drain_seconds: Positive = 10.0
    """How long running requests may take to finish after SIGTERM, in seconds."""
