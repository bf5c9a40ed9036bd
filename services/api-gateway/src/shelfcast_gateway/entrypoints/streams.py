"""Reply streams: NDJSON, or server-sent events where the client asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from google.protobuf.message import Message
from shelfcast_servicekit.errors import DeadlineExceeded, InternalError, ShelfcastError, UpstreamUnavailable

from shelfcast_gateway.application.admit import Admit
from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.exchange import Outbound, Sent
from shelfcast_gateway.entrypoints.body import Send
from shelfcast_gateway.entrypoints.channel import Channel
from shelfcast_gateway.entrypoints.finish import common_headers
from shelfcast_gateway.entrypoints.problem import problem_body
from shelfcast_gateway.errors import MediaTypeNotOffered
from shelfcast_gateway.ports import Operation

NDJSON: Final = "application/x-ndjson"
SSE: Final = "text/event-stream"
RESUME_SECONDS: Final = 1.0
_ANY: Final = ("", "*/*", "application/*", "application/json", NDJSON)


@dataclass(frozen=True, slots=True)
class Watch:
    """Serves RPCs that answer with a stream."""

    admit: Admit
    heartbeat_seconds: float
    idle_seconds: float
    stopping: asyncio.Event
    """Set when the gateway drains: streams end with a hint to come back."""

    async def __call__(
        self, operation: Operation, visit: Visit, variables: Mapping[str, str], channel: Channel
    ) -> Outbound | None:
        """Send the stream. Raises: ShelfcastError before the first byte."""
        await self.admit.identify(operation.binding, visit)
        form = _form(visit.inbound.header(b"accept"))
        request = operation.read(Sent(variables, visit.inbound.query))
        await self.admit.enter(operation.binding, visit)
        replies = operation.watch(request)
        async with contextlib.aclosing(replies) as stream, channel.presence:
            first = await anext(stream, None)
            headers = [(b"content-type", form.encode()), (b"cache-control", b"no-store")]
            headers += common_headers(visit, channel.traceparent)
            await channel.send({"type": "http.response.start", "status": 200, "headers": headers})
            writer = _Writer(form, channel.send, visit, channel)
            if first is not None:
                await writer.message(operation.json_line(first))
                await self._rest(stream, operation, writer)
            await writer.end()
        return None

    async def _rest(self, stream: AsyncIterator[Message], operation: Operation, writer: _Writer) -> None:
        try:
            async for message in self._paced(stream, writer):
                await writer.message(operation.json_line(message))
        except ShelfcastError as error:
            await writer.error(error)
        except ValueError:
            await writer.error(InternalError())

    async def _paced(self, stream: AsyncIterator[Message], writer: _Writer) -> AsyncIterator[Message]:
        """Pass messages on, with heartbeats between them, until silence, drain or the end."""
        stopping = asyncio.ensure_future(self.stopping.wait())
        silent_since = time.monotonic()
        pending = _next(stream)
        try:
            while True:
                await asyncio.wait(
                    (pending, stopping),
                    timeout=self.heartbeat_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if pending.done():
                    message = pending.result()
                    if message is None:
                        return
                    yield message
                    silent_since, pending = time.monotonic(), _next(stream)
                elif stopping.done():
                    raise UpstreamUnavailable(retry_after_seconds=RESUME_SECONDS, service="gateway")
                elif time.monotonic() - silent_since > self.idle_seconds:
                    raise DeadlineExceeded
                else:
                    await writer.heartbeat()
        finally:
            stopping.cancel()
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)


def _next(stream: AsyncIterator[Message]) -> asyncio.Future[Message | None]:
    return asyncio.ensure_future(anext(stream, None))


def _form(accept: str) -> str:
    """Choose the form of the stream. Raises: MediaTypeNotOffered."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if SSE in kinds:
        return SSE
    if any(kind in _ANY for kind in kinds):
        return NDJSON
    raise MediaTypeNotOffered(offered=f"{NDJSON}, {SSE}")


class _Writer:
    """Writes messages in the chosen form."""

    def __init__(self, form: str, send: Send, visit: Visit, channel: Channel) -> None:
        self._is_sse = form == SSE
        self._send = send
        self._visit = visit
        self._channel = channel
        self._count = 0

    async def message(self, json: bytes) -> None:
        self._count += 1
        if self._is_sse:
            await self._body(b"id: %d\nevent: message\ndata: %s\n\n" % (self._count, json))
        else:
            await self._body(json + b"\n")

    async def heartbeat(self) -> None:
        if self._is_sse:
            await self._body(b": heartbeat\n\n")

    async def error(self, error: ShelfcastError) -> None:
        body = orjson.dumps(
            problem_body(
                error,
                instance=self._visit.inbound.path.decode("latin-1"),
                request_id=self._visit.request_id,
                trace_id=self._channel.trace_id,
            )
        )
        hint = b"retry: %d\n" % int((error.retry_after_seconds or RESUME_SECONDS) * 1000)
        await self._body(b"%sevent: error\ndata: %s\n\n" % (hint, body) if self._is_sse else body + b"\n")

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def _body(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})
