"""Calls to other services, each with the time that is left, the caller's token and a client span.

One explicit wrapper around a channel's call factories instead of grpc.aio interceptors: those cost an
extra task per call, and can hang or lose a cancelled call (pitfalls, OpenTelemetry).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self, TypeAlias, cast

import grpc
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Counter

from shelfcast_servicekit.auth import SYSTEM_TENANT, Caller, TokenMinter, caller_or_none
from shelfcast_servicekit.deadline import child_timeout
from shelfcast_servicekit.permissions import rule_of
from shelfcast_servicekit.request_id import METADATA_KEY as REQUEST_ID
from shelfcast_servicekit.request_id import current_request_id
from shelfcast_servicekit.traceparent import METADATA_KEY as TRACEPARENT
from shelfcast_servicekit.traceparent import traceparent_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span

Pair: TypeAlias = tuple[str, str | bytes]

FOREIGN_CAP_SECONDS: Final = 5.0
"""Cap for services that are not ours (health, reflection)."""

_TRACER: Final = trace.get_tracer("shelfcast.rpc.client")
_CALLS: Final = Counter("rpc_client_calls_total", "Calls made to other services.", ("method", "code"))
_NOBODY: Final = Caller(SYSTEM_TENANT, "service:anonymous", frozenset())


class ManagedCall:
    """The call factory of one method: what `stub.Method` is."""

    def __init__(
        self, inner: Callable[..., grpc.aio.Call], path: str, audience: str, minter: TokenMinter | None
    ) -> None:
        """Wrap the factory that the channel made."""
        rule = rule_of(path)
        self._inner = inner
        self._name = path[1:]
        self._cap_seconds = FOREIGN_CAP_SECONDS if rule is None else rule.deadline_seconds
        self._audience = audience
        self._minter = minter if rule is not None else None
        self._attributes = {"rpc.system.name": "grpc", "rpc.method": self._name, "server.address": audience}

    def __call__(
        self,
        request: object = None,
        *,
        timeout: float | None = None,
        metadata: Sequence[Pair] | None = None,
        wait_for_ready: bool | None = None,
        **_: object,
    ) -> grpc.aio.Call:
        """Start the call. Raises: DeadlineExceeded at once when no time is left for it."""
        seconds = child_timeout(self._cap_seconds, timeout)
        span = _TRACER.start_span(self._name, kind=SpanKind.CLIENT, attributes=self._attributes)
        call = self._inner(
            request, timeout=seconds, metadata=self._metadata(metadata, span), wait_for_ready=wait_for_ready
        )
        call.add_done_callback(lambda done: self._finish(done, span))
        return call

    def _metadata(self, own: Sequence[Pair] | None, span: Span) -> tuple[Pair, ...]:
        pairs: list[Pair] = list(own or ())
        header = traceparent_of(span)
        if header:
            pairs.append((TRACEPARENT, header))
        request_id = current_request_id()
        if request_id:
            pairs.append((REQUEST_ID, request_id))
        if self._minter is not None:
            token = self._minter.token_for(caller_or_none() or _NOBODY, self._audience)
            pairs.append(("authorization", "Bearer " + token))
        return tuple(pairs)

    def _finish(self, call: grpc.aio.Call, span: Span) -> None:
        code = code_of(call)
        _CALLS.labels(self._name, code.name).inc()
        if span.is_recording():
            span.set_attribute("rpc.response.status_code", code.name)
            if code is not grpc.StatusCode.OK:
                span.set_attribute("error.type", code.name)
                span.set_status(StatusCode.ERROR)
        span.end()


def code_of(call: grpc.aio.Call) -> grpc.StatusCode:
    """Give the status of a call that is done, without leaving the callback.

    `code()` is a coroutine; on a done call it ends at its first step.
    """
    step = call.code()
    try:
        step.send(None)
    except StopIteration as finished:
        return cast("grpc.StatusCode", finished.value)
    step.close()
    return grpc.StatusCode.UNKNOWN


class ManagedChannel(grpc.aio.Channel):
    """A channel whose calls are `ManagedCall`s; everything else is the inner channel's."""

    def __init__(self, inner: grpc.aio.Channel, audience: str, minter: TokenMinter | None) -> None:
        """Wrap `inner`, which leads to the service `audience`."""
        self._channel = inner
        self._audience = audience
        self._minter = minter

    def unary_unary(self, method, *codecs, **named):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN201, D102
        return self._managed(self._channel.unary_unary(method, *codecs, **named), method)

    def unary_stream(self, method, *codecs, **named):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN201, D102
        return self._managed(self._channel.unary_stream(method, *codecs, **named), method)

    def stream_unary(self, method, *codecs, **named):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN201, D102
        return self._managed(self._channel.stream_unary(method, *codecs, **named), method)

    def stream_stream(self, method, *codecs, **named):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN201, D102
        return self._managed(self._channel.stream_stream(method, *codecs, **named), method)

    def _managed(self, inner: object, method: str) -> ManagedCall:
        factory = cast("Callable[..., grpc.aio.Call]", inner)
        return ManagedCall(factory, method, self._audience, self._minter)

    async def __aenter__(self) -> Self:
        await self._channel.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Cancel what is under way after `grace` seconds, and close."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Give the state of the connection."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the state is another one."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the channel is connected."""
        await self._channel.channel_ready()
