"""The OTLP receiver, spoken to by the OpenTelemetry SDK's own exporters and by raw gRPC."""

from __future__ import annotations

import asyncio
import gzip
import threading
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind
from shelfcast_monitoring.bootstrap import open_receiver
from shelfcast_monitoring.entrypoints.otlp import servicer
from shelfcast_monitoring.ports import EVERYONE, LogFilter, Signal, TraceFilter
from shelfcast_monitoring.settings import MonitoringSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shelfcast_monitoring.domain.span import Span

    from tests.integration.monitoring.conftest import Service

NOON = 1_790_000_000_000_000_000
Code = grpc.StatusCode


def spans_request(spans: Sequence[SpanMessage]) -> trace_service_pb2.ExportTraceServiceRequest:
    return trace_service_pb2.ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])]
    )


def span_message(number: int = 1, **changed: object) -> SpanMessage:
    fields: dict[str, object] = {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "name": "step",
        "start_time_unix_nano": NOON,
        "end_time_unix_nano": NOON + 1,
    }
    return SpanMessage(**(fields | changed))  # type: ignore[arg-type]  # the test names the fields


async def send_spans(
    service: Service, *spans: SpanMessage, compression: grpc.Compression | None = None
) -> trace_service_pb2.ExportTraceServiceResponse:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.receiver.port}") as channel:
        stub = trace_service_pb2_grpc.TraceServiceStub(channel)  # type: ignore[no-untyped-call]  # untyped stubs
        reply: trace_service_pb2.ExportTraceServiceResponse = await stub.Export(
            spans_request(spans), timeout=30, compression=compression
        )
        return reply


async def test_the_sdk_exporter_fills_the_store(service: Service) -> None:
    resource = Resource.create({"service.name": "shelfcast-gateway"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(
        endpoint=service.endpoint, insecure=True, compression=grpc.Compression.Gzip, timeout=5
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")

    def request() -> int:
        with tracer.start_as_current_span(
            "GET /api/v1/forecast/{product_id}",
            kind=SpanKind.SERVER,
            attributes={"shelfcast.tenant": "corner-shop"},
        ) as outer:
            with tracer.start_as_current_span("redis GET", kind=SpanKind.CLIENT, attributes={"count": 3}):
                pass
            return outer.get_span_context().trace_id

    number = await asyncio.to_thread(request)
    await service.settled()
    await asyncio.to_thread(provider.shutdown)

    outer, inner = await service.store.spans_of(f"{number:032x}", EVERYONE, 10)
    assert (outer.service, outer.kind.value, outer.tenant) == ("shelfcast-gateway", "server", "corner-shop")
    assert (inner.parent_span_id, inner.attributes) == (outer.span_id, {"count": "3"})
    assert service.counted("received_total", signal="spans") == 2
    assert service.counted("stored_total", signal="spans") == 2


async def test_the_sdk_log_exporter_fills_the_store(service: Service) -> None:
    provider = LoggerProvider(
        resource=Resource.create({"service.name": "shelfcast-data"}), shutdown_on_exit=False
    )
    exporter = OTLPLogExporter(endpoint=service.endpoint, insecure=True, timeout=30)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    record = LogRecord(
        timestamp=NOON,
        severity_number=SeverityNumber.WARN,
        body="stock is low",
        attributes={"tenant": "corner-shop"},
    )

    await asyncio.to_thread(provider.get_logger("test").emit, record)
    await service.settled()
    await asyncio.to_thread(provider.shutdown)

    [entry] = await service.store.logs(LogFilter(), None, 10)
    assert (entry.service, entry.severity, entry.body) == ("shelfcast-data", 13, "stock is low")
    assert (entry.tenant, entry.recorded_ns) == ("corner-shop", NOON)


async def test_a_repeated_export_stores_nothing_twice(service: Service) -> None:
    for _ in range(2):
        await send_spans(service, span_message(1), span_message(2))
        await service.settled()

    assert service.counted("received_total", signal="spans") == 4
    assert service.counted("stored_total", signal="spans") == 2


async def test_gzip_is_accepted(service: Service) -> None:
    reply = await send_spans(service, span_message(), compression=grpc.Compression.Gzip)
    await service.settled()

    assert reply.partial_success.rejected_spans == 0
    assert len(await service.store.traces(TraceFilter(), None, 10)) == 1


async def test_invalid_spans_are_refused_and_the_others_kept(service: Service) -> None:
    reply = await send_spans(
        service,
        span_message(1),
        span_message(2, trace_id=b"\x00" * 16),
        span_message(3, span_id=b"short"),
        span_message(4, start_time_unix_nano=0),
    )
    await service.settled()

    assert reply.partial_success.rejected_spans == 3
    assert "malformed" in reply.partial_success.error_message
    assert service.counted("dropped_total", signal="spans", reason="invalid") == 3
    assert len(await service.store.traces(TraceFilter(), None, 10)) == 1


async def test_what_is_over_the_cap_of_a_request_is_told(service: Service) -> None:
    spans = [span_message(number) for number in range(1, 10_011)]

    reply = await send_spans(service, *spans)

    assert reply.partial_success.rejected_spans == 10
    assert service.counted("dropped_total", signal="spans", reason="too_many") == 10


async def test_a_full_queue_is_told_at_once_and_counted(service: Service) -> None:
    batch = [span_message(number) for number in range(1, 8001)]
    service.intakes.spans._store = _never

    replies = [await send_spans(service, *batch) for _ in range(3)]

    assert [reply.partial_success.rejected_spans for reply in replies] == [0, 0, 8000]
    assert replies[2].partial_success.error_message == "8000 not kept: the receiver's queue is full"
    assert service.counted("queue_depth", signal="spans") == 16_000
    assert service.counted("dropped_total", signal="spans", reason="queue_full") == 8000
    service.intakes.spans._parcels.clear()


async def _never(unwrap: object) -> int:
    await asyncio.Event().wait()
    return 0


async def test_metrics_are_declined_honestly(service: Service) -> None:
    request = metrics_service_pb2.ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(scope_metrics=[ScopeMetrics(metrics=[Metric(name="requests")])])]
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.receiver.port}") as channel:
        stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)  # type: ignore[no-untyped-call]
        reply = await stub.Export(request, timeout=30)

    assert reply.partial_success.rejected_data_points == 1
    assert "/metrics" in reply.partial_success.error_message
    assert service.counted("dropped_total", signal="metrics", reason="not_kept") == 1


async def test_an_empty_export_is_a_success(service: Service) -> None:
    reply = await send_spans(service)

    assert not reply.HasField("partial_success")
    assert service.intakes.spans.waiting == 0


async def test_a_request_of_empty_groups_is_refused(service: Service) -> None:
    request = logs_service_pb2.ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[LogMessage()])])] * 1001
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.receiver.port}") as channel:
        stub = logs_service_pb2_grpc.LogsServiceStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Export(request, timeout=30)

    assert caught.value.code() is Code.INVALID_ARGUMENT


async def send_raw(port: int, body: bytes, *, compression: grpc.Compression | None = None) -> grpc.StatusCode:
    """Send bytes as they are to the trace method and give the status."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        )
        try:
            await method(body, timeout=30, compression=compression)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return Code.OK


async def test_a_message_over_four_megabytes_is_refused(service: Service) -> None:
    assert await send_raw(service.receiver.port, bytes(5 * 1024 * 1024)) is Code.RESOURCE_EXHAUSTED


async def test_a_zip_bomb_is_refused_without_swelling(service: Service) -> None:
    bomb = bytes(200 * 1024 * 1024)
    assert len(gzip.compress(bomb[:1_000_000])) < 2_000
    before = psutil.Process().memory_info().rss

    code = await send_raw(service.receiver.port, bomb, compression=grpc.Compression.Gzip)

    assert code is Code.RESOURCE_EXHAUSTED
    assert psutil.Process().memory_info().rss - before < 100 * 1024 * 1024


async def test_bytes_that_are_no_message_are_refused(service: Service) -> None:
    assert await send_raw(service.receiver.port, b"\xff\xff\xff not OTLP") is not Code.OK

    assert (await send_spans(service, span_message())).partial_success.rejected_spans == 0


async def test_a_large_request_is_unwrapped_off_the_loop(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwrap = servicer._unwrap_spans
    threads: list[threading.Thread] = []

    def noted(groups: Sequence[tuple[str, list[SpanMessage]]]) -> list[Span]:
        threads.append(threading.current_thread())
        return unwrap(groups)

    monkeypatch.setattr(servicer, "_unwrap_spans", noted)
    message = spans_request([span_message(number, name="x" * 300) for number in range(1, 10_001)])

    code = await send_raw(service.receiver.port, message.SerializeToString())
    await service.settled()

    assert code is Code.OK
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


async def test_receiving_makes_no_telemetry_of_its_own(service: Service) -> None:
    await send_spans(service, span_message(1))
    await service.settled()
    await asyncio.sleep(0.5)

    assert service.counted("received_total", signal="spans") == 1
    assert len(await service.store.traces(TraceFilter(), None, 10)) == 1
    assert await service.store.size_bytes(Signal.LOGS) == 0


async def test_beyond_loopback_only_the_token_opens(service: Service, tmp_path: Path) -> None:
    guarded = await open_receiver(
        MonitoringSettings(data_dir=tmp_path, otlp_host="0.0.0.0", otlp_port=0, otlp_token="canary-7391"),  # type: ignore[arg-type]
        service.intakes,
    )

    async def code_with(metadata: tuple[tuple[str, str], ...]) -> grpc.StatusCode:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{guarded.port}") as channel:
            stub = trace_service_pb2_grpc.TraceServiceStub(channel)  # type: ignore[no-untyped-call]
            try:
                await stub.Export(spans_request([span_message()]), timeout=30, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                return error.code()
            return Code.OK

    assert await code_with(()) is Code.UNAUTHENTICATED
    assert await code_with((("authorization", "Bearer wrong"),)) is Code.UNAUTHENTICATED
    assert await code_with((("authorization", "Bearer canary-7391"),)) is Code.OK
    await guarded.stop()


async def test_a_second_receiver_on_the_port_fails_to_start(service: Service, tmp_path: Path) -> None:
    settings = MonitoringSettings(data_dir=tmp_path, otlp_port=service.receiver.port)

    with pytest.raises(RuntimeError):
        await open_receiver(settings, service.intakes)
