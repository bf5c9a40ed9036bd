"""The settings of the planning service."""

from __future__ import annotations

from typing import ClassVar

from shelfcast_servicekit.settings import DEFAULT_PORTS, Port, ServiceSettings


class PlanningSettings(ServiceSettings):
    """Settings of the planning service; it keeps no store yet."""

    service_name: ClassVar[str] = "planning"

    port: Port = DEFAULT_PORTS["planning"]
    """Port of the gRPC server; 0 takes a free one."""
