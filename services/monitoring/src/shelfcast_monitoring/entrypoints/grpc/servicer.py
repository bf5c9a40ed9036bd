"""The RPCs of the monitoring service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.monitoring.v1 import (
    health_board_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    trace_service_pb2,
    trace_service_pb2_grpc,
)
from shelfcast_servicekit.auth import SYSTEM_TENANT, current_caller
from shelfcast_servicekit.paging import page_size_of

from shelfcast_monitoring.entrypoints.grpc import mapping
from shelfcast_monitoring.ports import EVERYONE, LogPosition, Tenant, TracePosition

if TYPE_CHECKING:
    import grpc
    from shelfcast.monitoring.v1 import health_board_service_pb2, trace_pb2
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_monitoring.application.read_telemetry import ListLogs, ListTraces, ReadTrace
    from shelfcast_monitoring.application.watch_health import WatchHealth

    GetTraceContext = grpc.aio.ServicerContext[trace_service_pb2.GetTraceRequest, trace_pb2.Trace]
    ListTracesContext = grpc.aio.ServicerContext[
        trace_service_pb2.ListTracesRequest, trace_service_pb2.ListTracesResponse
    ]
    ListLogsContext = grpc.aio.ServicerContext[
        log_service_pb2.ListLogsRequest, log_service_pb2.ListLogsResponse
    ]
    BoardContext = grpc.aio.ServicerContext[
        health_board_service_pb2.GetHealthBoardRequest, health_board_service_pb2.HealthBoard
    ]


def _tenant() -> Tenant:
    """Give whose telemetry the caller may see; the system's own callers see all."""
    tenant = current_caller().tenant
    return EVERYONE if tenant == SYSTEM_TENANT else Tenant(tenant)


class TraceServicer(trace_service_pb2_grpc.TraceServiceServicer):
    """Shows stored traces."""

    def __init__(self, read_trace: ReadTrace, list_traces: ListTraces, tokens: PageTokens) -> None:
        """Answer by the use cases; `tokens` makes and reads page tokens."""
        self._read_trace = read_trace
        self._list_traces = list_traces
        self._tokens = tokens

    async def GetTrace(
        self, request: trace_service_pb2.GetTraceRequest, context: GetTraceContext
    ) -> trace_pb2.Trace:
        """Give one trace as a tree."""
        return mapping.trace_to_proto(await self._read_trace(request.trace_id, _tenant()))

    async def ListTraces(
        self, request: trace_service_pb2.ListTracesRequest, context: ListTracesContext
    ) -> trace_service_pb2.ListTracesResponse:
        """Give one page of traces, newest first."""
        wanted = mapping.trace_filter_from_proto(request, _tenant())
        scope = {
            "list": "traces",
            "service": wanted.service,
            "min_duration_ns": str(wanted.min_duration_ns),
            "only_errors": str(wanted.only_errors),
        }
        position = self._tokens.read(request.page_token, wanted.tenant, scope)
        after = TracePosition(int(position[0]), position[1]) if position else None
        page = await self._list_traces(wanted, after, page_size_of(request.page_size))
        reply = trace_service_pb2.ListTracesResponse(traces=map(mapping.summary_to_proto, page.lines))
        if page.next_after is not None:
            place = (str(page.next_after.start_ns), page.next_after.trace_id)
            reply.next_page_token = self._tokens.issue(wanted.tenant, scope, place)
        return reply


class LogServicer(log_service_pb2_grpc.LogServiceServicer):
    """Shows stored log records."""

    def __init__(self, list_logs: ListLogs, tokens: PageTokens) -> None:
        """Answer by the use case; `tokens` makes and reads page tokens."""
        self._list_logs = list_logs
        self._tokens = tokens

    async def ListLogs(
        self, request: log_service_pb2.ListLogsRequest, context: ListLogsContext
    ) -> log_service_pb2.ListLogsResponse:
        """Give one page of log records, newest first."""
        wanted = mapping.log_filter_from_proto(request, _tenant())
        scope = {
            "list": "logs",
            "trace_id": wanted.trace_id,
            "service": wanted.service,
            "min_severity": str(wanted.min_severity),
        }
        position = self._tokens.read(request.page_token, wanted.tenant, scope)
        after = LogPosition(int(position[0]), int(position[1])) if position else None
        page = await self._list_logs(wanted, after, page_size_of(request.page_size))
        reply = log_service_pb2.ListLogsResponse(logs=map(mapping.log_to_proto, page.lines))
        if page.next_after is not None:
            place = (str(page.next_after.recorded_ns), str(page.next_after.log_id))
            reply.next_page_token = self._tokens.issue(wanted.tenant, scope, place)
        return reply


class HealthBoardServicer(health_board_service_pb2_grpc.HealthBoardServiceServicer):
    """Shows the health of all services, as last seen."""

    def __init__(self, watch_health: WatchHealth) -> None:
        """Show the board of `watch_health`; a call asks nobody."""
        self._watch_health = watch_health

    async def GetHealthBoard(
        self, request: health_board_service_pb2.GetHealthBoardRequest, context: BoardContext
    ) -> health_board_service_pb2.HealthBoard:
        """Give the board."""
        return mapping.board_to_proto(self._watch_health.board)
