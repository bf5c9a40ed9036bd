"""The HTTP server: uvicorn with our own answer to bytes that are no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Iterator
from typing import Final

import uvicorn
from shelfcast_servicekit.errors import BodyMalformed
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shelfcast_gateway.entrypoints.app import Asgi
from shelfcast_gateway.entrypoints.problem import problem

KEEP_ALIVE_SECONDS: Final = 75
HEADER_SECONDS: Final = 20.0
"""A connection that has not sent a whole request head by then is cut."""

_LOG: Final = logging.getLogger("shelfcast.server")


class DoorProtocol(HttpToolsProtocol):
    """Answers malformed requests with a problem, and cuts connections that never finish their head."""

    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._impatience = self.loop.call_later(HEADER_SECONDS, self._cut)

    def on_headers_complete(self) -> None:
        """Stop waiting."""
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._impatience is not None:
            self._impatience.cancel()
        super().connection_lost(exc)

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.send_400_response("the request head is incomplete")

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP request."""
        del msg
        fault = BodyMalformed(problem="it is no HTTP request")
        outbound = problem(fault, instance="", request_id=secrets.token_hex(16), trace_id="")
        headers = [*outbound.headers, (b"content-length", str(len(outbound.body)).encode())]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + lines + b"connection: close\r\n\r\n")
        self.transport.write(outbound.body)
        self.transport.close()


class DoorServer(uvicorn.Server):
    """Leaves signals to the process: uvicorn would raise them again before anything is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield

    def stop(self) -> None:
        """Finish running requests, then let `serve` return."""
        self.should_exit = True


def make_server(app: Asgi, *, host: str, port: int, drain_seconds: float) -> DoorServer:
    """Give the server; `serve()` runs it until `stop()`."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http=DoorProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(drain_seconds)),
    )
    return DoorServer(config)
