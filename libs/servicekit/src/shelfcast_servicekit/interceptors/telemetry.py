"""One server span per call, continued from the caller's trace, ended with the true outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
from opentelemetry import trace
from opentelemetry.context import attach
from opentelemetry.trace import SpanKind, StatusCode

from shelfcast_servicekit.interceptors.metadata import metadata_text
from shelfcast_servicekit.interceptors.outcome import SERVER_FAULTS, broken_outcome, outcome
from shelfcast_servicekit.request_id import METADATA_KEY as REQUEST_ID
from shelfcast_servicekit.request_id import set_request_id
from shelfcast_servicekit.traceparent import METADATA_KEY as TRACEPARENT
from shelfcast_servicekit.traceparent import parent_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from google.protobuf.message import Message
    from opentelemetry.trace import Span

    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stream, Unary
    from shelfcast_servicekit.permissions import MethodRule

_TRACER: Final = trace.get_tracer("shelfcast.rpc.server")


class TelemetryStage:
    """Starts the span before everything else and ends it after everything else."""

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Trace a call that answers with one message."""
        start = _starter(rule)

        async def traced(request: Request, context: Context) -> Message | None:
            span = start()
            code = grpc.StatusCode.OK
            try:
                reply = await inner(request, context)
                code = outcome(context)
            except BaseException as error:
                code = broken_outcome(context, error)
                raise
            else:
                return reply
            finally:
                _end(span, code)

        return traced

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Trace a call that answers with a stream."""
        start = _starter(rule)

        async def traced(request: Request, context: Context) -> AsyncIterator[Message]:
            span = start()
            code = grpc.StatusCode.OK
            try:
                async for message in inner(request, context):
                    yield message
                code = outcome(context)
            except BaseException as error:
                code = broken_outcome(context, error)
                raise
            finally:
                _end(span, code)

        return traced


def _starter(rule: MethodRule) -> Callable[[], Span]:
    """Give the function that starts the span of one method's call and makes it current."""
    name = rule.path[1:]
    attributes = {"rpc.system.name": "grpc", "rpc.method": name}
    start_span = _TRACER.start_span

    def start() -> Span:
        request_id = metadata_text(REQUEST_ID)
        if request_id:
            set_request_id(request_id)
        header = metadata_text(TRACEPARENT)
        span = start_span(name, parent_context(header), SpanKind.SERVER, attributes)
        attach(trace.set_span_in_context(span))  # never detached: the RPC's task ends with the call
        return span

    return start


def _end(span: Span, code: grpc.StatusCode) -> None:
    if span.is_recording():
        span.set_attribute("rpc.response.status_code", code.name)
        if code in SERVER_FAULTS:
            span.set_attribute("error.type", code.name)
            span.set_status(StatusCode.ERROR)
    span.end()
