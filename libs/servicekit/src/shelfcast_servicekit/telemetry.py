"""Traces and logs over OTLP: set up once per process, never in the way of a request."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shelfcast_servicekit.export_queue import ExportQueue
from shelfcast_servicekit.logs import OtlpLogHandler, setup_logs
from shelfcast_servicekit.span_encoding import QuickSpanExporter
from shelfcast_servicekit.trace_budget import TraceBudget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_servicekit.settings import ServiceSettings

EXPORT_TIMEOUT_SECONDS: Final = 2.0
FLUSH_TIMEOUT_SECONDS: Final = 2.0
NO_EXPORT: Final = "none"


class QueuedSpans(SpanProcessor):
    """Hands ended, sampled spans to an export queue."""

    def __init__(self, queue: ExportQueue[ReadableSpan]) -> None:
        """Feed `queue`."""
        self._queue = queue

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span if it is sampled."""
        context = span.context
        if context is not None and context.trace_flags.sampled:
            self._queue.put(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued within the time."""
        return self._queue.flush(timeout_millis / 1000)


class QueuedLogs(LogRecordProcessor):
    """Hands log records to an export queue."""

    def __init__(self, queue: ExportQueue[ReadableLogRecord]) -> None:
        """Feed `queue`."""
        self._queue = queue

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue the record."""
        self._queue.put(
            ReadableLogRecord(
                log_record=log_record.log_record,
                resource=log_record.resource or Resource.get_empty(),
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        """Leave closing to `Telemetry.shutdown`."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued within the time."""
        return self._queue.flush(timeout_millis / 1000)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What was set up for this process."""

    tracer_provider: TracerProvider
    """Provider of all tracers; also the global one."""
    spans: ExportQueue[ReadableSpan] | None
    """Queue of ended spans; None when nothing is exported."""
    logs: ExportQueue[ReadableLogRecord] | None
    """Queue of log records; None when nothing is exported."""

    def flush(self, timeout_seconds: float = FLUSH_TIMEOUT_SECONDS) -> None:
        """Send what is queued within the time."""
        for queue in (self.spans, self.logs):
            if queue is not None:
                queue.flush(timeout_seconds)

    def shutdown(self, timeout_seconds: float = FLUSH_TIMEOUT_SECONDS) -> None:
        """Send what is queued within the time, then stop sending; blocks, so call it at the very end."""
        for queue in (self.spans, self.logs):
            if queue is not None:
                queue.close(timeout_seconds)


def setup_telemetry(service_name: str, settings: ServiceSettings) -> Telemetry:
    """Set up logs, and traces and logs over OTLP/gRPC unless the endpoint is `none`.

    Call it once per process, before engines and channels are made.
    """
    setup_logs(service_name, settings)
    resource = _resource(service_name)
    provider = _tracer_provider(resource, settings)
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint == NO_EXPORT:
        return Telemetry(provider, None, None)
    spans = _span_queue(endpoint)
    provider.add_span_processor(QueuedSpans(spans))
    logs = _log_queue(endpoint)
    log_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    log_provider.add_log_record_processor(QueuedLogs(logs))
    logging.getLogger().addHandler(OtlpLogHandler(log_provider.get_logger("shelfcast")))
    return Telemetry(provider, spans, logs)


def _resource(service_name: str) -> Resource:
    return Resource.create(
        {
            "service.name": f"shelfcast-{service_name}",
            "service.namespace": "shelfcast",
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        }
    )


def _tracer_provider(resource: Resource, settings: ServiceSettings) -> TracerProvider:
    known = trace.get_tracer_provider()
    if isinstance(known, TracerProvider):  # only one per process can be the global one
        return known
    root = TraceBudget(TraceIdRatioBased(settings.trace_sample_ratio), settings.traces_per_second)
    provider = TracerProvider(sampler=ParentBased(root), resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    return provider


def _is_insecure(endpoint: str) -> bool:
    return not endpoint.startswith("https://")


def _span_queue(endpoint: str) -> ExportQueue[ReadableSpan]:
    exporter = QuickSpanExporter(
        endpoint=endpoint, insecure=_is_insecure(endpoint), timeout=EXPORT_TIMEOUT_SECONDS
    )

    def send(batch: Sequence[ReadableSpan]) -> bool:
        return exporter.export(batch) is SpanExportResult.SUCCESS

    return ExportQueue("spans", send)


def _log_queue(endpoint: str) -> ExportQueue[ReadableLogRecord]:
    exporter = OTLPLogExporter(
        endpoint=endpoint, insecure=_is_insecure(endpoint), timeout=EXPORT_TIMEOUT_SECONDS
    )

    def send(batch: Sequence[ReadableLogRecord]) -> bool:
        return exporter.export(batch) is LogRecordExportResult.SUCCESS

    return ExportQueue("logs", send)
