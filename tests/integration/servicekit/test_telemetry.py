"""Telemetry against a real OTLP receiver, and against none: complete, quiet, never in the way (F41)."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import REGISTRY
from shelfcast_servicekit.auth import Caller, calling_as
from shelfcast_servicekit.export_queue import QUEUE_LIMIT, ExportQueue
from shelfcast_servicekit.request_id import set_request_id
from shelfcast_servicekit.settings import ServiceSettings
from shelfcast_servicekit.telemetry import Telemetry, setup_telemetry


class Receiver(trace_service_pb2_grpc.TraceServiceServicer, logs_service_pb2_grpc.LogsServiceServicer):
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.logs: list[LogRecord] = []
        self.services: set[str] = set()

    async def Export(self, request: object, context: object) -> object:
        if isinstance(request, trace_service_pb2.ExportTraceServiceRequest):
            for resource in request.resource_spans:
                self.services |= {a.value.string_value for a in resource.resource.attributes}
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
            return trace_service_pb2.ExportTraceServiceResponse()
        assert isinstance(request, logs_service_pb2.ExportLogsServiceRequest)
        for logs in request.resource_logs:
            self.logs += [record for scope in logs.scope_logs for record in scope.log_records]
        return logs_service_pb2.ExportLogsServiceResponse()


@pytest.fixture
def _kept_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # untyped stub
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # untyped stub
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield receiver, f"http://127.0.0.1:{port}"
    await server.stop(0)


async def _shut(telemetry: Telemetry) -> None:
    await asyncio.to_thread(telemetry.shutdown)


@pytest.mark.usefixtures("_kept_logging", "_exporter")
async def test_spans_and_logs_of_one_request_arrive_together(receiver: tuple[Receiver, str]) -> None:
    sink, endpoint = receiver
    telemetry = setup_telemetry("data", ServiceSettings(otel_exporter_otlp_endpoint=endpoint))
    set_request_id("req-7")

    with (
        calling_as(Caller("grocer", "me", frozenset())),
        trace.get_tracer("test").start_as_current_span("request") as span,
    ):
        logging.getLogger("shelfcast.test").info("a plain %s", "line")
        structlog.get_logger("shelfcast.test").warning("a structured line", rows=7, shop="s-1")
    set_request_id("")
    await _shut(telemetry)

    trace_id = span.get_span_context().trace_id.to_bytes(16, "big")
    assert [each.name for each in sink.spans if each.trace_id == trace_id] == ["request"]
    bodies = {log.body.string_value: log for log in sink.logs}
    for text in ("a plain line", "a structured line"):
        facts = {each.key: each.value for each in bodies[text].attributes}
        assert bodies[text].trace_id == trace_id
        assert facts["tenant"].string_value == "grocer"
        assert facts["request_id"].string_value == "req-7"
    assert {each.key: each.value.int_value for each in bodies["a structured line"].attributes}["rows"] == 7


@pytest.mark.usefixtures("_kept_logging", "_exporter")
async def test_a_log_line_is_json_with_trace_and_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    telemetry = setup_telemetry("data", ServiceSettings(otel_exporter_otlp_endpoint="none"))

    with (
        calling_as(Caller("grocer", "me", frozenset())),
        trace.get_tracer("test").start_as_current_span("request") as span,
    ):
        logging.getLogger("shelfcast.test").error("line\nbreak \x1b[31m", exc_info=ValueError("odd"))
    await _shut(telemetry)

    (line,) = out.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["service"], event["tenant"]) == ("line\nbreak \x1b[31m", "data", "grocer")
    assert event["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "ValueError" in event["exception"]


@pytest.mark.usefixtures("_kept_logging", "_exporter")
async def test_f41_a_receiver_that_is_away_slows_and_floods_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    telemetry = setup_telemetry("data", ServiceSettings(otel_exporter_otlp_endpoint="http://127.0.0.1:1"))
    before = _dropped("spans")

    for _ in range(QUEUE_LIMIT + 2000):
        trace.get_tracer("test").start_span("request").end()
    async with asyncio.timeout(60):
        while _dropped("spans") - before < 1000:  # dropped: nobody has waited for room
            await asyncio.sleep(0.05)
        await asyncio.sleep(3.0)
        await _shut(telemetry)

    assert len(out.getvalue().splitlines()) <= 4


def _dropped(signal: str) -> float:
    return sum(
        REGISTRY.get_sample_value("telemetry_dropped_total", {"signal": signal, "why": why}) or 0.0
        for why in ("queue_full", "receiver_away")
    )


def test_a_queue_tells_once_that_its_receiver_is_away_and_once_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = iter([False, False, False, True, True])
    queue: ExportQueue[int] = ExportQueue("logs", lambda _: next(answers, True))

    with caplog.at_level(logging.WARNING, logger="opentelemetry.shelfcast"):
        for number in range(5):
            queue.put(number)
            assert queue.flush(2.0)
            time.sleep(0.02)
        queue.close(2.0)

    told = [record.getMessage() for record in caplog.records if record.name == "opentelemetry.shelfcast"]
    assert told == ["telemetry receiver away for logs", "telemetry receiver back for logs"]


def test_an_exporter_that_raises_ends_nothing() -> None:
    def send(_: object) -> bool:
        raise ValueError("broken exporter")

    queue: ExportQueue[int] = ExportQueue("logs", send)
    queue.put(1)
    flushed = queue.flush(2.0)
    queue.put(2)
    queue.close(2.0)

    assert flushed
