"""The services behind the door: one channel each, a breaker per method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import Gauge
from shelfcast_servicekit.auth import TokenMinter
from shelfcast_servicekit.cache import Breaker
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.status import from_rpc_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import MethodDescriptor

AUDIENCES: Final[Mapping[str, str]] = {
    "shelfcast.identity.v1": "data",
    "shelfcast.catalog.v1": "data",
    "shelfcast.sales.v1": "data",
    "shelfcast.inventory.v1": "data",
    "shelfcast.ingestion.v1": "data",
    "shelfcast.exports.v1": "data",
    "shelfcast.quality.v1": "data",
    "shelfcast.forecast.v1": "model",
    "shelfcast.registry.v1": "model",
    "shelfcast.jobs.v1": "model",
    "shelfcast.planning.v1": "planning",
    "shelfcast.monitoring.v1": "monitoring",
}
"""Which service answers the RPCs of a proto package."""

FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 2.0
BROKEN: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})

_OPEN: Final = Gauge("breaker_open", "1 while calls are refused.", ("upstream", "method"))

Factory = Callable[..., object]


class Upstreams:
    """The channels of this process; made on the running event loop."""

    def __init__(self, targets: Mapping[str, str], minter: TokenMinter) -> None:
        """targets: gRPC target by audience."""
        self.channels = {name: open_channel(target, name, minter) for name, target in targets.items()}

    def method(self, descriptor: MethodDescriptor) -> UpstreamMethod:
        """Give the callable side of an RPC. Raises: KeyError for a package that nobody answers."""
        package = descriptor.containing_service.file.package
        audience = AUDIENCES[package]
        return UpstreamMethod(descriptor, audience, self.channels[audience])

    async def close(self) -> None:
        """Close all channels."""
        for channel in self.channels.values():
            await channel.close()


class UpstreamMethod:
    """One RPC: calls go out unless its breaker is open."""

    def __init__(self, descriptor: MethodDescriptor, audience: str, channel: grpc.aio.Channel) -> None:
        """Bind the RPC to a channel."""
        path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        self._audience = audience
        self._breaker = Breaker(FAILURES_TO_OPEN, OPEN_SECONDS)
        self._gauge = _OPEN.labels(audience, descriptor.full_name)
        reply_type = GetMessageClass(descriptor.output_type)
        kind = (
            channel.stream_unary
            if descriptor.client_streaming
            else channel.unary_stream
            if descriptor.server_streaming
            else channel.unary_unary
        )
        self._factory = cast(
            "Factory",
            kind(path, request_serializer=_serialise, response_deserializer=reply_type.FromString),
        )

    async def call(self, request: object, metadata: Mapping[str, str]) -> Message:
        """Give the one reply; the RPC is cancelled with the awaiting task. Raises: RemoteError."""
        with self._guarded():
            call = self._factory(request, metadata=tuple(metadata.items()))
            return await cast("grpc.aio.UnaryUnaryCall[Message, Message]", call)

    async def upload(self, requests: AsyncIterator[Message], metadata: Mapping[str, str]) -> Message:
        """Send a stream, but no more of it than is wanted; give the one reply. Raises: RemoteError."""
        decided = asyncio.Event()

        async def undecided() -> AsyncIterator[Message]:
            async for request in requests:
                if decided.is_set():
                    return
                yield request

        with self._guarded():
            call = cast(
                "grpc.aio.StreamUnaryCall[Message, Message]",
                self._factory(undecided(), metadata=tuple(metadata.items())),
            )
            # Headers come with the reply, or before a refusal of what is still being sent.
            heard = asyncio.ensure_future(call.initial_metadata())
            heard.add_done_callback(lambda task: decided.set() if _is_sound(task) else None)
            try:
                return await call
            finally:
                heard.cancel()

    async def stream(self, request: Message) -> AsyncGenerator[Message, None]:
        """Give the replies; the RPC is cancelled when the reader goes. Raises: RemoteError."""
        with self._guarded():
            call = cast("grpc.aio.UnaryStreamCall[Message, Message]", self._factory(request))
            try:
                async for reply in call:
                    yield reply
            finally:
                call.cancel()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        breaker = self._breaker
        if not breaker.admits():
            raise UpstreamUnavailable(retry_after_seconds=OPEN_SECONDS, service=self._audience)
        try:
            yield
        except grpc.aio.AioRpcError as error:
            self._count(is_broken=error.code() in BROKEN)
            raise from_rpc_error(error, service=self._audience) from error
        else:
            self._count(is_broken=False)

    def _count(self, *, is_broken: bool) -> None:
        was_open = self._breaker.is_open
        if is_broken:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        if was_open is not self._breaker.is_open:
            self._gauge.set(int(self._breaker.is_open))


def _is_sound(task: asyncio.Future[grpc.aio.Metadata]) -> bool:
    return not task.cancelled() and task.exception() is None


def _serialise(message: Message) -> bytes:
    return message.SerializeToString()
