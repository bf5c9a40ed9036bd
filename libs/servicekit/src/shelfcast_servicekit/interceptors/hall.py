"""The hall that each call passes: all stages, put around each method once."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import grpc
from google.protobuf.message import Message

from shelfcast_servicekit.interceptors.metadata import set_metadata
from shelfcast_servicekit.permissions import MethodRule

if TYPE_CHECKING:
    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stage, Stream, Unary

_NOTHING: Final[tuple[Message, ...]] = ()

Handler: TypeAlias = "grpc.RpcMethodHandler[Message, Message]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"


class Hall(grpc.aio.ServerInterceptor):
    """Runs the stages around every RPC of ours; health and reflection go past it.

    One interceptor instead of six: the wrapped handler of a method is built at its first call and kept,
    so that a call pays for one dictionary look-up and one awaited function per stage.
    """

    def __init__(self, rules: Mapping[str, MethodRule], stages: Sequence[Stage]) -> None:
        """rules: by path, of all registered services. stages: outermost first."""
        self._rules = rules
        self._stages = tuple(reversed(stages))
        self._handlers: dict[str, Handler] = {}

    async def intercept_service(  # type: ignore[override]  # the stub binds type variables per call
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Give the wrapped handler of the called method."""
        path = handler_call_details.method
        set_metadata(handler_call_details.invocation_metadata)  # the RPC's code runs in this same task
        known = self._handlers.get(path)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        rule = self._rules.get(path)
        if handler is None or rule is None:
            return handler
        wrapped = self._handlers[path] = self._wrap(rule, handler)
        return wrapped

    def _wrap(self, rule: MethodRule, handler: Handler) -> Handler:
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.response_streaming:
            inner = handler.stream_stream if handler.request_streaming else handler.unary_stream
            stream = self._around_stream(rule, as_stream(cast("Callable[..., object]", inner)))
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            return cast("Handler", make(stream, *codecs))
        plain = handler.stream_unary if handler.request_streaming else handler.unary_unary
        unary = self._around_unary(rule, cast("Unary", plain))
        make_unary = (
            grpc.stream_unary_rpc_method_handler
            if handler.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return cast("Handler", make_unary(unary, *codecs))

    def _around_unary(self, rule: MethodRule, inner: Unary) -> Unary:
        for stage in self._stages:
            inner = stage.unary(rule, inner)
        return inner

    def _around_stream(self, rule: MethodRule, inner: Stream) -> Stream:
        for stage in self._stages:
            inner = stage.stream(rule, inner)
        return inner


def as_stream(behaviour: Callable[..., object]) -> Stream:
    """Give an async generator for a servicer's streaming method, also for one that uses `context.write`."""
    if not inspect.iscoroutinefunction(behaviour):
        return cast("Stream", behaviour)

    async def written(request: Request, context: Context) -> AsyncIterator[Message]:
        await cast("Awaitable[None]", behaviour(request, context))
        for message in _NOTHING:
            yield message

    return written
