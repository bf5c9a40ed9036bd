"""The OTLP/gRPC server on its own port: no interceptor of ours, so that receiving makes no telemetry."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar, cast

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

if TYPE_CHECKING:
    from shelfcast_monitoring.entrypoints.otlp.servicer import (
        OtlpLogsServicer,
        OtlpMetricsServicer,
        OtlpTraceServicer,
    )

Request = TypeVar("Request")
Reply = TypeVar("Reply")

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
MAX_CONCURRENT_STREAMS: Final = 256
STOP_SECONDS: Final = 1.0

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class BearerCheck(grpc.aio.ServerInterceptor):
    """Refuses senders without the token that the receiver asks for beyond the loopback address."""

    def __init__(self, token: str) -> None:
        """Ask for `authorization: Bearer <token>`."""
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Request, Reply] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Reply] | None:
        """Pass on a call that carries the token; end any other as UNAUTHENTICATED."""
        pairs = handler_call_details.invocation_metadata or ()
        sent = next((value for key, value in pairs if key == "authorization"), "")
        if hmac.compare_digest(str(sent).encode(), self._expected):
            return await continuation(handler_call_details)
        return cast("grpc.RpcMethodHandler[Request, Reply]", _REFUSAL)


async def _refuse(_: object, context: grpc.aio.ServicerContext[object, object]) -> object:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the OTLP token is missing or wrong")


_REFUSAL: Final[grpc.RpcMethodHandler[object, object]] = grpc.unary_unary_rpc_method_handler(_refuse)


class OtlpReceiver:
    """A started OTLP server: its port and its end."""

    def __init__(self, server: grpc.aio.Server, port: int) -> None:
        """Take over a server that is already started."""
        self._server = server
        self.port = port

    async def stop(self) -> None:
        """Take nothing more, and let running exports finish."""
        await self._server.stop(STOP_SECONDS)


async def start_receiver(
    traces: OtlpTraceServicer,
    logs: OtlpLogsServicer,
    metrics: OtlpMetricsServicer,
    *,
    address: tuple[str, int],
    token: str = "",
) -> OtlpReceiver:
    """Start the OTLP server; port 0 takes a free one, an empty token lets every sender in.

    Raises: RuntimeError when the port is taken.
    """
    interceptors = [BearerCheck(token)] if token else []
    server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
    # opentelemetry-proto ships the adders without types.
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(traces, server)  # type: ignore[no-untyped-call]
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(logs, server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(metrics, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port(f"{address[0]}:{address[1]}")
    await server.start()
    return OtlpReceiver(server, port)
