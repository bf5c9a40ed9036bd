"""The OTLP services: take in traces and logs, decline metrics, and say honestly what was not kept.

Source: opentelemetry-specification, OTLP/gRPC, partial success and non-retryable errors.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from shelfcast_monitoring.application.take_in_telemetry import Parcel
from shelfcast_monitoring.entrypoints.otlp.mapping import (
    is_valid_span,
    logs_from_proto,
    service_of,
    spans_from_proto,
)
from shelfcast_monitoring.entrypoints.otlp.sorting import MOST_GROUPS, Rejections, Sorted, take_first
from shelfcast_monitoring.ports import DropReason, Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

    from shelfcast_monitoring.application.take_in_telemetry import Intake
    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.ports import IntakeMeter

    TraceContext = grpc.aio.ServicerContext[
        trace_service_pb2.ExportTraceServiceRequest, trace_service_pb2.ExportTraceServiceResponse
    ]
    LogsContext = grpc.aio.ServicerContext[
        logs_service_pb2.ExportLogsServiceRequest, logs_service_pb2.ExportLogsServiceResponse
    ]
    MetricsContext = grpc.aio.ServicerContext[
        metrics_service_pb2.ExportMetricsServiceRequest, metrics_service_pb2.ExportMetricsServiceResponse
    ]

Item = TypeVar("Item")
Message = TypeVar("Message")

_TOO_MANY_GROUPS: Final = f"more than {MOST_GROUPS} resources and scopes in one request"


class _Desk:
    """What the servicers share: counting, offering, telling."""

    def __init__(self, signal: Signal, meter: IntakeMeter) -> None:
        self._signal = signal
        self._meter = meter

    def receive(self, items: Sorted[Message]) -> Rejections:
        """Count what came and what is over the cap of a request."""
        self._meter.received(self._signal, items.total)
        rejections = Rejections()
        self.reject(rejections, DropReason.TOO_MANY, items.total - items.count)
        return rejections

    def reject(self, rejections: Rejections, reason: DropReason, count: int) -> None:
        """Count what is dropped before the queue."""
        rejections.add(reason, count)
        if count:
            self._meter.dropped(self._signal, reason, count)

    def offer(self, intake: Intake[Item], parcel: Parcel[Item], rejections: Rejections) -> None:
        """Offer a parcel; the queue itself counts what it does not take."""
        if parcel.count and not intake.offer(parcel):
            rejections.add(DropReason.QUEUE_FULL, parcel.count)


async def _refuse_too_many_groups(groups: int, context: grpc.aio.ServicerContext[Item, Message]) -> None:
    if groups > MOST_GROUPS:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, _TOO_MANY_GROUPS)


class OtlpTraceServicer(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes in spans."""

    def __init__(self, intake: Intake[Span], meter: IntakeMeter) -> None:
        """Offer spans to `intake`."""
        self._intake = intake
        self._desk = _Desk(Signal.SPANS, meter)

    async def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: TraceContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        """Queue the valid spans of a request and tell how many were not taken, and why."""
        groups = len(request.resource_spans)
        await _refuse_too_many_groups(groups, context)
        await _refuse_too_many_groups(sum(len(part.scope_spans) for part in request.resource_spans), context)
        items = _spans_of(request)
        rejections = self._desk.receive(items)
        valid = sum(map(is_valid_span, items))
        self._desk.reject(rejections, DropReason.INVALID, items.count - valid)
        parcel = Parcel(valid, request.ByteSize(), partial(_unwrap_spans, items.groups))
        self._desk.offer(self._intake, parcel, rejections)
        reply = trace_service_pb2.ExportTraceServiceResponse()
        if rejections.total:
            reply.partial_success.rejected_spans = rejections.total
            reply.partial_success.error_message = rejections.sentence
        return reply


class OtlpLogsServicer(logs_service_pb2_grpc.LogsServiceServicer):
    """Takes in log records."""

    def __init__(self, intake: Intake[LogEntry], meter: IntakeMeter) -> None:
        """Offer log records to `intake`."""
        self._intake = intake
        self._desk = _Desk(Signal.LOGS, meter)

    async def Export(
        self, request: logs_service_pb2.ExportLogsServiceRequest, context: LogsContext
    ) -> logs_service_pb2.ExportLogsServiceResponse:
        """Queue the log records of a request and tell how many were not taken, and why."""
        groups = len(request.resource_logs)
        await _refuse_too_many_groups(groups, context)
        await _refuse_too_many_groups(sum(len(part.scope_logs) for part in request.resource_logs), context)
        items = _logs_of(request)
        rejections = self._desk.receive(items)
        parcel = Parcel(items.count, request.ByteSize(), partial(_unwrap_logs, items.groups))
        self._desk.offer(self._intake, parcel, rejections)
        reply = logs_service_pb2.ExportLogsServiceResponse()
        if rejections.total:
            reply.partial_success.rejected_log_records = rejections.total
            reply.partial_success.error_message = rejections.sentence
        return reply


class OtlpMetricsServicer(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Counts metrics and declines them: Prometheus scrapes them where they arise."""

    def __init__(self, meter: IntakeMeter) -> None:
        """Count in `meter`."""
        self._desk = _Desk(Signal.METRICS, meter)

    async def Export(
        self, request: metrics_service_pb2.ExportMetricsServiceRequest, context: MetricsContext
    ) -> metrics_service_pb2.ExportMetricsServiceResponse:
        """Say that no metric was kept; a metric counts as one data point, so that none is looked into."""
        await _refuse_too_many_groups(len(request.resource_metrics), context)
        scopes = sum(len(part.scope_metrics) for part in request.resource_metrics)
        await _refuse_too_many_groups(scopes, context)
        count = sum(len(scope.metrics) for part in request.resource_metrics for scope in part.scope_metrics)
        items: Sorted[object] = Sorted((), count)
        rejections = Rejections()
        self._desk.reject(rejections, DropReason.NOT_KEPT, items.total)
        reply = metrics_service_pb2.ExportMetricsServiceResponse()
        if count:
            reply.partial_success.rejected_data_points = count
            reply.partial_success.error_message = rejections.sentence
        return reply


def _spans_of(request: trace_service_pb2.ExportTraceServiceRequest) -> Sorted[SpanMessage]:
    return take_first(
        (service_of(part.resource), scope.spans)
        for part in request.resource_spans
        for scope in part.scope_spans
    )


def _logs_of(request: logs_service_pb2.ExportLogsServiceRequest) -> Sorted[LogRecord]:
    return take_first(
        (service_of(part.resource), scope.log_records)
        for part in request.resource_logs
        for scope in part.scope_logs
    )


def _unwrap_spans(groups: Sequence[tuple[str, list[SpanMessage]]]) -> list[Span]:
    return [span for service, messages in groups for span in spans_from_proto(service, messages)]


def _unwrap_logs(groups: Sequence[tuple[str, list[LogRecord]]]) -> list[LogEntry]:
    return [entry for service, messages in groups for entry in logs_from_proto(service, messages)]
