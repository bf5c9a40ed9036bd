"""Traces, logs and the health board over gRPC, as a caller sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from shelfcast.monitoring.v1 import health_board_service_pb2 as board_pb
from shelfcast.monitoring.v1 import log_service_pb2 as log_pb
from shelfcast.monitoring.v1 import trace_service_pb2 as trace_pb
from shelfcast_monitoring.domain.log_entry import LogEntry
from shelfcast_monitoring.domain.span import Span, SpanKind, SpanStatus
from shelfcast_servicekit.auth import Caller, calling_as

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from shelfcast.monitoring.v1.trace_pb2 import Span as SpanProto
    from shelfcast.monitoring.v1.trace_pb2 import Trace

    from tests.integration.monitoring.conftest import Service

NOON = 1_790_000_000_000_000_000
TRACE = "ab" * 16
RIGHTS = frozenset({"traces.read", "logs.read", "health_board.read"})


def caller(tenant: str = "corner-shop") -> Caller:
    return Caller(tenant, "api-key:operator", RIGHTS)


def span(number: int, parent: int = 0, **changed: object) -> Span:
    fields: dict[str, object] = {
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "parent_span_id": f"{parent:016x}" if parent else "",
        "service": "shelfcast-gateway",
        "name": f"step {number}",
        "kind": SpanKind.SERVER,
        "status": SpanStatus.OK,
        "status_message": "",
        "start_ns": NOON + number * 1_000_000,
        "end_ns": NOON + number * 1_000_000 + 500_000,
        "tenant": "",
        "attributes": {"rpc.method": "GetForecast"},
        "linked_trace_ids": (),
    }
    return Span(**(fields | changed))  # type: ignore[arg-type]  # the test names the fields


async def store(service: Service, *spans: Span) -> None:
    await service.store.add_spans(lambda: spans)


async def get_trace(service: Service, trace_id: str = TRACE, tenant: str = "corner-shop") -> Trace:
    with calling_as(caller(tenant)):
        call = service.traces.GetTrace(trace_pb.GetTraceRequest(trace_id=trace_id), timeout=30)
    return await call


async def list_traces(
    at: Service, tenant: str = "corner-shop", **fields: object
) -> trace_pb.ListTracesResponse:
    request = trace_pb.ListTracesRequest(**fields)  # type: ignore[arg-type]  # the test names the fields
    with calling_as(caller(tenant)):
        call = at.traces.ListTraces(request, timeout=30)
    return await call


async def list_logs(at: Service, tenant: str = "corner-shop", **fields: object) -> log_pb.ListLogsResponse:
    request = log_pb.ListLogsRequest(**fields)  # type: ignore[arg-type]  # the test names the fields
    with calling_as(caller(tenant)):
        call = at.logs.ListLogs(request, timeout=30)
    return await call


async def reason_of(ask: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask()
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


def shape(spans: Iterable[SpanProto]) -> dict[str, object]:
    return {one.name: shape(one.children) for one in spans}


async def test_a_trace_is_a_tree_over_all_hops_with_durations(service: Service) -> None:
    await store(
        service,
        span(1, name="GET /forecast", end_ns=NOON + 90_000_000),
        span(2, 1, name="GetForecast", service="shelfcast-model", tenant="corner-shop"),
        span(
            3, 2, name="SELECT sql", service="shelfcast-model", status=SpanStatus.ERROR, status_message="gone"
        ),
        span(4, 1, name="redis MGET", linked_trace_ids=("cd" * 16,)),
    )

    trace = await get_trace(service)

    assert shape(trace.roots) == {"GET /forecast": {"GetForecast": {"SELECT sql": {}}, "redis MGET": {}}}
    assert list(trace.services) == ["shelfcast-gateway", "shelfcast-model"]
    assert (trace.span_count, trace.error_count) == (4, 1)
    assert trace.duration_seconds == pytest.approx(0.089)
    assert trace.started_at.ToNanoseconds() == NOON + 1_000_000
    root = trace.roots[0]
    assert (root.kind, root.status) == ("server", "ok")
    assert root.duration_seconds == pytest.approx(0.089)
    assert root.children[0].children[0].status_message == "gone"
    assert list(root.children[1].linked_trace_ids) == ["cd" * 16]
    assert dict(root.attributes) == {"rpc.method": "GetForecast"}


async def test_another_tenants_trace_is_not_found(service: Service) -> None:
    await store(service, span(1, tenant="rival"))

    assert await reason_of(lambda: get_trace(service)) == "TRACE_NOT_FOUND"
    assert (await get_trace(service, tenant="rival")).span_count == 1
    assert (await get_trace(service, tenant="system")).span_count == 1


async def test_an_unknown_trace_is_not_found(service: Service) -> None:
    assert await reason_of(lambda: get_trace(service, "0" * 31 + "1")) == "TRACE_NOT_FOUND"


@pytest.mark.parametrize("trace_id", ["", "xyz", "AB" * 16, "ab" * 17, "' OR 1=1 --"])
async def test_a_malformed_trace_id_is_refused(service: Service, trace_id: str) -> None:
    reason = await reason_of(lambda: get_trace(service, trace_id))

    assert reason in {"FIELD_RULE_VIOLATED", "FIELD_MISSING"}


async def test_a_huge_trace_fits_into_one_reply(service: Service) -> None:
    attributes = {f"key-{number}": "ü" * 1000 for number in range(10)}
    await store(
        service,
        *(
            span(
                number, name="ü" * 255, status_message="ü" * 1024, attributes=attributes, tenant="corner-shop"
            )
            for number in range(1, 3000)
        ),
    )

    trace = await get_trace(service)

    assert trace.span_count == 2000
    assert trace.roots[0].attributes["key-0"] == "ü" * 1000
    assert dict(trace.roots[-1].attributes) == {"shelfcast.attributes_left_out": "10"}


async def test_a_deep_trace_can_be_read(service: Service) -> None:
    await store(service, *(span(number, number - 1, tenant="corner-shop") for number in range(1, 500)))

    trace = await get_trace(service)

    def count(spans: Iterable[SpanProto]) -> int:
        return sum(1 + count(one.children) for one in spans)

    assert count(trace.roots) == 499


async def test_traces_are_listed_page_by_page(service: Service) -> None:
    for number in range(1, 6):
        await store(service, span(number, trace_id=f"{number:032x}", tenant="corner-shop"))
    await store(service, span(9, trace_id=f"{9:032x}", tenant="rival"))

    first = await list_traces(service, page_size=2)
    second = await list_traces(service, page_size=2, page_token=first.next_page_token)
    third = await list_traces(service, page_size=2, page_token=second.next_page_token)

    names = [[trace.name for trace in page.traces] for page in (first, second, third)]
    assert names == [["step 5", "step 4"], ["step 3", "step 2"], ["step 1"]]
    assert third.next_page_token == ""


async def test_a_page_token_belongs_to_its_tenant_and_filter(service: Service) -> None:
    for number in range(1, 4):
        await store(service, span(number, trace_id=f"{number:032x}", tenant="corner-shop"))
    token = (await list_traces(service, page_size=1)).next_page_token

    for fields in (
        {"page_token": token, "tenant": "rival"},
        {"page_token": token, "only_errors": True},
        {"page_token": token[:-2] + "xx"},
        {"page_token": "garbage"},
    ):
        assert await reason_of(lambda sent=fields: list_traces(service, **sent)) == "PAGE_TOKEN_INVALID"  # type: ignore[misc]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e300])
async def test_a_senseless_duration_is_refused(service: Service, seconds: float) -> None:
    reason = await reason_of(lambda: list_traces(service, min_duration_seconds=seconds))

    assert reason == "FIELD_RULE_VIOLATED"


async def test_traces_are_filtered(service: Service) -> None:
    await store(service, span(1, trace_id="11" * 16, tenant="corner-shop", end_ns=NOON + 2_000_000_000))
    await store(service, span(2, trace_id="22" * 16, tenant="corner-shop", status=SpanStatus.ERROR))

    slow = await list_traces(service, min_duration_seconds=1.5)
    broken = await list_traces(service, only_errors=True)
    elsewhere = await list_traces(service, service="shelfcast-planning")

    assert [trace.trace_id for trace in slow.traces] == ["11" * 16]
    assert slow.traces[0].duration_seconds == pytest.approx(1.999)
    assert [trace.error_count for trace in broken.traces] == [1]
    assert list(elsewhere.traces) == []


def log(number: int, **changed: object) -> LogEntry:
    fields: dict[str, object] = {
        "recorded_ns": NOON + number,
        "service": "shelfcast-data",
        "severity": 9,
        "body": f"line {number}",
        "trace_id": TRACE,
        "span_id": "",
        "tenant": "corner-shop",
        "attributes": {"logger": "test"},
    }
    return LogEntry(**(fields | changed))  # type: ignore[arg-type]  # the test names the fields


async def test_logs_are_listed_newest_first(service: Service) -> None:
    entries = [log(1), log(2, severity=17), log(3, tenant="rival")]
    await service.store.add_logs(lambda: entries)

    everything = await list_logs(service)
    errors = await list_logs(service, min_severity="error", trace_id=TRACE)

    assert [record.body for record in everything.logs] == ["line 2", "line 1"]
    assert [(record.body, record.severity) for record in errors.logs] == [("line 2", "error")]


async def test_a_page_of_long_logs_is_shorter_and_goes_on(service: Service) -> None:
    entries = [log(number, body="ü" * 8000) for number in range(400)]
    await service.store.add_logs(lambda: entries)

    seen, token = 0, ""
    while True:
        page = await list_logs(service, page_size=1000, page_token=token)
        seen += len(page.logs)
        token = page.next_page_token
        if not token:
            break

    assert seen == 400


async def test_an_unknown_severity_is_refused(service: Service) -> None:
    assert await reason_of(lambda: list_logs(service, min_severity="loud")) == "FIELD_RULE_VIOLATED"


async def test_a_negative_page_is_refused(service: Service) -> None:
    assert await reason_of(lambda: list_logs(service, page_size=-1)) == "FIELD_RULE_VIOLATED"


async def test_a_caller_without_the_permission_sees_nothing(service: Service) -> None:
    stranger = Caller("corner-shop", "api-key:stranger", frozenset())

    async def ask(method: Callable[..., Awaitable[object]], request: object) -> None:
        with calling_as(stranger):
            call = method(request, timeout=30)
        await call

    asks = (
        (service.traces.GetTrace, trace_pb.GetTraceRequest(trace_id=TRACE)),
        (service.traces.ListTraces, trace_pb.ListTracesRequest()),
        (service.logs.ListLogs, log_pb.ListLogsRequest()),
        (service.board.GetHealthBoard, board_pb.GetHealthBoardRequest()),
    )
    for method, request in asks:
        assert await reason_of(lambda m=method, r=request: ask(m, r)) == "PERMISSION_MISSING"  # type: ignore[misc]


async def test_the_board_is_shown_as_last_seen(service: Service) -> None:
    with calling_as(caller()):
        call = service.board.GetHealthBoard(board_pb.GetHealthBoardRequest(), timeout=30)

    board = await call

    assert board == board_pb.HealthBoard(is_healthy=True)
