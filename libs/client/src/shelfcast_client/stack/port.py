"""Which ports the services of one stack listen on."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from shelfcast_client.settings import ClientSettings

HOST: Final = "127.0.0.1"
NAMES: Final = ("gateway", "data", "model", "planning", "monitoring", "otlp", "valkey")


class PortTaken(Exception):
    """A port that was asked for by name is in use."""

    def __init__(self, name: str, port: int) -> None:
        """Name the port and the variable that changes it."""
        super().__init__(
            f"Port {port} of {name} is taken: free it, or set SHELFCAST_{name.upper()}_PORT (0 for any)."
        )


@dataclass(frozen=True, slots=True)
class Ports:
    """One port each."""

    gateway: int
    """HTTP port of the gateway."""
    data: int
    """gRPC port of the data service."""
    model: int
    """gRPC port of the model service."""
    planning: int
    """gRPC port of the planning service."""
    monitoring: int
    """gRPC port of the monitoring service."""
    otlp: int
    """gRPC port of the OTLP receiver."""
    valkey: int
    """Port of the embedded Valkey server."""


def choose_ports(settings: ClientSettings) -> Ports:
    """Give a free port for each service: the usual one if it can be had, else any.

    Raises: PortTaken when a port that was set on purpose is in use.
    """
    chosen: dict[str, int] = {}
    with ExitStack() as held:
        for name in NAMES:
            field = f"{name}_port"
            wanted = getattr(settings, field)
            listener = _listen(wanted)
            if listener is None:
                if field in settings.model_fields_set:
                    raise PortTaken(name, wanted)
                listener = _listen_on_any()
            held.enter_context(listener)
            chosen[name] = listener.getsockname()[1]
    return Ports(**chosen)


def moved(ports: Ports, settings: ClientSettings) -> Iterable[str]:
    """Name the services that could not have their usual port."""
    for name in NAMES:
        wanted = getattr(settings, f"{name}_port")
        if wanted not in (0, getattr(ports, name)):
            yield name


def is_listening(port: int) -> bool:
    """Tell whether somebody answers on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def _listen(port: int) -> socket.socket | None:
    """Hold a port; None when it is in use."""
    held = socket.socket()
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
        held.listen()
    except OSError:
        held.close()
        return None
    return held


def _listen_on_any() -> socket.socket:
    held = socket.socket()
    held.bind((HOST, 0))
    return held
