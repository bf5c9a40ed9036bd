"""The server of a service, under the name by which services import it."""

from __future__ import annotations

from shelfcast_servicekit.lifecycle import Registration, RunningServer, serve, start_server

__all__ = ["Registration", "RunningServer", "serve", "start_server"]
