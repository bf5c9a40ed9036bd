"""The ASGI application: one request in, one reply out, whatever happens between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from opentelemetry.trace import Span
from shelfcast_servicekit.errors import (
    BodyMalformed,
    InternalError,
    ShelfcastError,
)

from shelfcast_gateway.application.serve import Serve
from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.binding import Binding
from shelfcast_gateway.domain.exchange import Inbound, Outbound
from shelfcast_gateway.domain.route_table import Match, NotAllowed, PathUnreadable, RouteTable
from shelfcast_gateway.entrypoints.body import Receive, Send, whole
from shelfcast_gateway.entrypoints.channel import Channel
from shelfcast_gateway.entrypoints.finish import common_headers, compressed, request_id_of
from shelfcast_gateway.entrypoints.presence import Presence
from shelfcast_gateway.entrypoints.problem import problem
from shelfcast_gateway.entrypoints.telemetry import RouteTelemetry, ids_of
from shelfcast_gateway.errors import MethodNotAllowed, RouteNotFound
from shelfcast_gateway.ports import Operation

Scope: TypeAlias = MutableMapping[str, Any]
"""Scope of the ASGI protocol, whose values have no common type."""
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED: Final = "(none)"
_LOG: Final = logging.getLogger(__name__)


Streamer: TypeAlias = Callable[[Operation, Visit, Mapping[str, str], Channel], Awaitable[Outbound | None]]
"""Serves a streaming RPC; None when it has sent the reply itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes that the door enforces."""

    max_body_bytes: int
    max_upload_bytes: int


@dataclass(slots=True)
class GatewayApp:
    """Finds the route, serves it, and turns every outcome into a reply."""

    table: RouteTable
    operations: Mapping[int, Operation]
    """By id of the binding, which is cheaper to hash than the binding."""
    serve: Serve
    watch: Streamer
    upload: Streamer
    download: Streamer
    site: Asgi
    """Pages and probes beside the API."""
    site_paths: Callable[[str], bool]
    limits: Limits
    _telemetry: dict[int, RouteTelemetry] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "no topics are served yet"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.site_paths(scope["path"]):
            await self.site(scope, receive, send)
            return
        inbound = inbound_of(scope)
        visit = Visit(inbound, request_id_of(inbound))
        found = self._find(inbound)
        telemetry = self._telemetry_of(found, inbound)
        span = telemetry.begin(visit)
        status = 499
        try:
            status = await self._answered(found, visit, span, receive, send)
        finally:
            telemetry.end(visit, span, status)

    def _find(self, inbound: Inbound) -> Match | NotAllowed | ShelfcastError:
        try:
            return self.table.match(inbound.method, inbound.path) or RouteNotFound()
        except PathUnreadable:
            return BodyMalformed(problem="the path is not UTF-8")

    def _telemetry_of(self, found: Match | NotAllowed | ShelfcastError, inbound: Inbound) -> RouteTelemetry:
        binding = found.binding if isinstance(found, Match) else None
        known = self._telemetry.get(id(binding))
        if known is None:
            route = UNMATCHED if binding is None else binding.template.text
            method = UNMATCHED if binding is None else binding.verb
            known = self._telemetry[id(binding)] = RouteTelemetry(method, route)
        return known

    async def _answered(
        self,
        found: Match | NotAllowed | ShelfcastError,
        visit: Visit,
        span: Span,
        receive: Receive,
        send: Send,
    ) -> int:
        """Serve, send, and give the status that was sent."""
        traceparent, trace_id = ids_of(span)
        channel = Channel(receive, send, Presence(receive), traceparent, trace_id)
        try:
            outbound = await self._outcome(found, visit, channel)
        except asyncio.CancelledError:
            if not channel.presence.is_gone:
                raise
            return 499  # nobody is left to read a reply
        if outbound is None:
            return 200
        outbound = compressed(visit.inbound, outbound)
        headers = [*outbound.headers, *common_headers(visit, traceparent)]
        await send_whole(send, outbound, headers, is_head=visit.inbound.method == "HEAD")
        return outbound.status

    async def _outcome(
        self, found: Match | NotAllowed | ShelfcastError, visit: Visit, channel: Channel
    ) -> Outbound | None:
        try:
            return await self._served(found, visit, channel)
        except ShelfcastError as error:
            return self._problem(error, visit, channel)
        except Exception as error:  # noqa: BLE001 - the outermost handler of every request
            _LOG.error("unhandled exception in %s", visit.inbound.path, exc_info=error)
            return self._problem(InternalError(), visit, channel)

    async def _served(
        self, found: Match | NotAllowed | ShelfcastError, visit: Visit, channel: Channel
    ) -> Outbound | None:
        if isinstance(found, ShelfcastError):
            raise found
        if isinstance(found, NotAllowed):
            return _options(found) if visit.inbound.method == "OPTIONS" else _refuse(found, visit)
        operation = self.operations[id(found.binding)]
        visit.presence = lambda: channel.presence
        if found.binding.streams_request:
            return await self.upload(operation, visit, found.variables, channel)
        if found.binding.gives_file:
            return await self.download(operation, visit, found.variables, channel)
        if found.binding.streams_reply:
            return await self.watch(operation, visit, found.variables, channel)

        def read_body() -> Awaitable[bytes]:
            return whole(channel.receive, visit.inbound, self.limits.max_body_bytes)

        return await self.serve(operation, visit, found.variables, read_body)

    def _problem(self, error: ShelfcastError, visit: Visit, channel: Channel) -> Outbound:
        instance = visit.inbound.path.decode("latin-1")
        # The connection stays open: a client in the middle of sending would lose the reply to a reset.
        return problem(error, instance=instance, request_id=visit.request_id, trace_id=channel.trace_id)


def inbound_of(scope: Scope) -> Inbound:
    """Give the request of an ASGI scope."""
    client = scope.get("client")
    return Inbound(
        method=scope["method"],
        path=scope["raw_path"],
        query=scope["query_string"],
        headers=dict(scope["headers"]),
        client=client[0] if client else "",
    )


async def send_whole(
    send: Send, outbound: Outbound, headers: list[tuple[bytes, bytes]], *, is_head: bool = False
) -> None:
    """Send a reply whose body is known."""
    if outbound.status not in {204, 304}:
        headers.append((b"content-length", str(len(outbound.body)).encode()))
    await send({"type": "http.response.start", "status": outbound.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else outbound.body})


def _options(found: NotAllowed) -> Outbound:
    return Outbound(204, [(b"allow", ", ".join(found.allow).encode())])


def _refuse(found: NotAllowed, visit: Visit) -> Outbound:
    raise MethodNotAllowed(visit.inbound.method, found.allow)


def by_id(operations: Mapping[Binding, Operation]) -> dict[int, Operation]:
    """Give the operations by the id of their binding."""
    return {id(binding): operation for binding, operation in operations.items()}
