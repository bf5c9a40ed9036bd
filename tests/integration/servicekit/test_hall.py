"""The hall on a real server: all call kinds, outcomes, spans, tokens, deadlines, field rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from shelfcast.identity.v1 import api_key_service_pb2, api_key_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import (
    Caller,
    ChainVerifier,
    TokenMinter,
    TokenVerifier,
    calling_as,
    current_caller,
)
from shelfcast_servicekit.deadline import deadline_within, remaining_seconds
from shelfcast_servicekit.errors import DeadlineExceeded, EtagMismatch, UpstreamUnavailable
from shelfcast_servicekit.request_id import current_request_id
from shelfcast_servicekit.server import Registration, RunningServer, start_server
from shelfcast_servicekit.status import from_rpc_error

if TYPE_CHECKING:
    AsyncStub: TypeAlias = job_service_pb2_grpc.JobServiceAsyncStub

PLANNER = Caller("grocer", "api-key:Ab3dE6gH", frozenset({"jobs.read", "jobs.write"}))
Serve: TypeAlias = Callable[[job_service_pb2_grpc.JobServiceServicer], Awaitable[RunningServer]]
Connect: TypeAlias = Callable[[str], grpc.aio.Channel]


class Desk(job_service_pb2_grpc.JobServiceServicer):
    """Does what the job id says."""

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: object) -> job_pb2.Job:
        match request.job_id:
            case "unexpected":
                raise ValueError("password=hunter2")
            case "changed":
                raise EtagMismatch
            case "away":
                raise UpstreamUnavailable(retry_after_seconds=2.5, service="database")
            case "slow":
                await asyncio.sleep(30)
            case "abort":
                await context.abort(grpc.StatusCode.DATA_LOSS, "gone")  # type: ignore[attr-defined]
            case "who":
                return job_pb2.Job(submitted_by=current_caller().principal, kind=current_caller().tenant)
            case "when":
                return job_pb2.Job(done_count=remaining_seconds() or -1.0, phase=current_request_id())
        return job_pb2.Job(job_id=request.job_id)

    async def WatchJob(
        self, request: job_service_pb2.WatchJobRequest, context: object
    ) -> AsyncIterator[job_pb2.Job]:
        for count in range(3):
            yield job_pb2.Job(done_count=count)
        if request.job_id == "unexpected":
            raise ValueError("password=hunter2")
        if request.job_id == "slow":
            await asyncio.sleep(30)


@pytest.fixture
async def stub(serve_jobs: Serve, connect: Connect) -> AsyncStub:
    server = await serve_jobs(Desk())  # type: ignore[abstract]  # the rest is unimplemented
    return job_service_pb2_grpc.JobServiceStub(connect(server.target))


async def get(
    stub: AsyncStub,
    job_id: str,
    seconds: float | None = None,
    metadata: tuple[tuple[str, str | bytes], ...] | None = None,
) -> job_pb2.Job:
    with calling_as(PLANNER):
        request = job_service_pb2.GetJobRequest(job_id=job_id)
        return await stub.GetJob(request, timeout=seconds, metadata=metadata)


async def failure(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    for key, value in error.trailing_metadata() or ():
        if key == rpc_status.GRPC_DETAILS_METADATA_KEY:
            return status_pb2.Status.FromString(value)
    raise AssertionError("no details")


async def outcomes(
    spans: InMemorySpanExporter, method: str, kind: SpanKind
) -> list[tuple[object, StatusCode]]:
    await asyncio.sleep(0.05)
    return [
        (span.attributes["rpc.response.status_code"], span.status.status_code)
        for span in spans.get_finished_spans()
        if span.name.endswith(method) and span.kind is kind and span.attributes
    ]


async def test_a_call_reaches_its_servicer_with_caller_and_tenant(
    stub: AsyncStub,
) -> None:
    job = await get(stub, "who")

    assert (job.submitted_by, job.kind) == ("api-key:Ab3dE6gH", "grocer")


async def test_the_child_deadline_is_below_the_parents(stub: AsyncStub) -> None:
    with deadline_within(4.0):
        job = await get(stub, "when")

    assert 0 < job.done_count < 4.0  # alone, the call would have the 5 s of its method


async def test_the_cap_of_the_method_is_the_default_deadline(
    stub: AsyncStub,
) -> None:
    job = await get(stub, "when", metadata=(("x-request-id", "req-7"),))

    assert 0 < job.done_count <= 5.0
    assert job.phase == "req-7"


async def test_a_spent_deadline_fails_before_the_call(stub: AsyncStub) -> None:
    with deadline_within(0.01), pytest.raises(DeadlineExceeded):
        await get(stub, "7")


async def test_a_declared_error_arrives_with_one_error_info(
    stub: AsyncStub,
) -> None:
    error = await failure(get(stub, "away"))

    status = status_of(error)
    infos = [detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    found = from_rpc_error(error)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert len(infos) == 1
    assert (found.reason, found.retry_after_seconds) == ("UPSTREAM_UNAVAILABLE", 2.5)
    assert found.metadata == {"service": "database"}
    assert error.details() == "The database service does not answer."


async def test_the_text_of_an_unexpected_exception_stays_inside(
    stub: AsyncStub, caplog: pytest.LogCaptureFixture
) -> None:
    error = await failure(get(stub, "unexpected"))

    assert from_rpc_error(error).reason == "INTERNAL"
    assert "hunter2" not in str(error.details()) + str(error.trailing_metadata())
    assert "hunter2" in caplog.text


@pytest.mark.parametrize(
    ("job_id", "code", "server"),
    [
        ("7", "OK", StatusCode.UNSET),
        ("changed", "ABORTED", StatusCode.UNSET),
        ("away", "UNAVAILABLE", StatusCode.ERROR),
        ("unexpected", "INTERNAL", StatusCode.ERROR),
        ("abort", "DATA_LOSS", StatusCode.ERROR),
    ],
)
async def test_spans_tell_the_true_outcome(
    stub: AsyncStub,
    spans: InMemorySpanExporter,
    job_id: str,
    code: str,
    server: StatusCode,
) -> None:
    await asyncio.gather(get(stub, job_id), return_exceptions=True)

    client = StatusCode.UNSET if code == "OK" else StatusCode.ERROR
    assert await outcomes(spans, "GetJob", SpanKind.SERVER) == [(code, server)]
    assert await outcomes(spans, "GetJob", SpanKind.CLIENT) == [(code, client)]


async def test_spans_tell_of_a_passed_deadline(stub: AsyncStub, spans: InMemorySpanExporter) -> None:
    error = await failure(get(stub, "slow", 0.2))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert from_rpc_error(error).reason == "DEADLINE_EXCEEDED"
    for kind in (SpanKind.CLIENT, SpanKind.SERVER):
        assert await outcomes(spans, "GetJob", kind) == [("DEADLINE_EXCEEDED", StatusCode.ERROR)]


async def test_spans_tell_of_a_cancelled_call(stub: AsyncStub, spans: InMemorySpanExporter) -> None:
    task = asyncio.create_task(get(stub, "slow"))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await outcomes(spans, "GetJob", SpanKind.CLIENT) == [("CANCELLED", StatusCode.ERROR)]
    assert await outcomes(spans, "GetJob", SpanKind.SERVER) == [("CANCELLED", StatusCode.UNSET)]


async def test_client_and_server_span_are_one_trace(stub: AsyncStub, spans: InMemorySpanExporter) -> None:
    await get(stub, "7")
    await asyncio.sleep(0.05)

    client, server = sorted(spans.get_finished_spans(), key=lambda span: span.kind.name)
    assert server.parent is not None
    assert client.context is not None
    assert server.parent.span_id == client.context.span_id
    assert server.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": "shelfcast.jobs.v1.JobService/GetJob",
        "shelfcast.tenant": "grocer",
        "rpc.response.status_code": "OK",
    }


async def test_a_stream_arrives_and_its_error_after_it(stub: AsyncStub, spans: InMemorySpanExporter) -> None:
    seen: list[float] = []

    async def watch() -> None:
        with calling_as(PLANNER):
            call = stub.WatchJob(job_service_pb2.WatchJobRequest(job_id="unexpected"))
        seen.extend([job.done_count async for job in call])

    error = await failure(watch())

    assert error.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(error.details())
    assert await outcomes(spans, "WatchJob", SpanKind.SERVER) == [("INTERNAL", StatusCode.ERROR)]


async def test_a_stream_that_the_client_leaves_ends_its_span(
    stub: AsyncStub, spans: InMemorySpanExporter
) -> None:
    with calling_as(PLANNER):
        call = stub.WatchJob(job_service_pb2.WatchJobRequest(job_id="slow"))
    async for _ in call:
        break
    call.cancel()
    await asyncio.sleep(0.2)

    assert await outcomes(spans, "WatchJob", SpanKind.CLIENT) == [("CANCELLED", StatusCode.ERROR)]
    assert await outcomes(spans, "WatchJob", SpanKind.SERVER) == [("CANCELLED", StatusCode.UNSET)]


async def test_a_missing_permission_is_named(stub: AsyncStub) -> None:
    with calling_as(Caller("grocer", "viewer", frozenset({"jobs.read"}))):
        error = await failure(stub.CancelJob(job_service_pb2.CancelJobRequest(job_id="7")))

    found = from_rpc_error(error)
    assert (found.reason, found.metadata) == ("PERMISSION_MISSING", {"permission": "jobs.write"})


async def test_all_broken_field_rules_are_reported_with_pointers(
    stub: AsyncStub,
) -> None:
    with calling_as(PLANNER):
        error = await failure(stub.ListJobs(job_service_pb2.ListJobsRequest(page_size=-1)))

    found = from_rpc_error(error)
    assert found.reason == "FIELD_RULE_VIOLATED"
    assert [(violation.pointer, violation.rule) for violation in found.violations] == [
        ("/page_size", "int32.gte")
    ]


async def raw(serve_jobs: Serve) -> tuple[grpc.aio.Channel, RunningServer]:
    server = await serve_jobs(Desk())  # type: ignore[abstract]  # the rest is unimplemented
    return grpc.aio.insecure_channel(server.target), server


@pytest.mark.parametrize(
    ("metadata", "seconds", "reason"),
    [
        ((), 1.0, "CREDENTIAL_MISSING"),
        ((("authorization", "Bearer nonsense"),), 1.0, "CREDENTIAL_INVALID"),
        ((("authorization", "Bearer sk_unknown"),), 1.0, "CREDENTIAL_INVALID"),
        ((("x-tenant-id", "baker"),), 1.0, "CREDENTIAL_MISSING"),
        (None, None, "DEADLINE_MISSING"),
    ],
)
async def test_a_call_past_the_wrapper_is_refused(
    serve_jobs: Serve,
    minter: TokenMinter,
    metadata: tuple[tuple[str, str | bytes], ...] | None,
    seconds: float | None,
    reason: str,
) -> None:
    channel, _ = await raw(serve_jobs)
    if metadata is None:
        metadata = (("authorization", "Bearer " + minter.token_for(PLANNER, "model")),)

    async with channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        call = stub.GetJob(job_service_pb2.GetJobRequest(job_id="7"), timeout=seconds, metadata=metadata)
        error = await failure(call)

    assert from_rpc_error(error).reason == reason


async def test_a_token_for_another_service_is_refused(serve_jobs: Serve, minter: TokenMinter) -> None:
    channel, _ = await raw(serve_jobs)

    async with channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        metadata = (("authorization", "Bearer " + minter.token_for(PLANNER, "data")),)
        call = stub.GetJob(job_service_pb2.GetJobRequest(job_id="7"), timeout=30, metadata=metadata)
        error = await failure(call)

    assert from_rpc_error(error).reason == "CREDENTIAL_INVALID"


async def test_more_time_than_the_method_gives_is_cut(serve_jobs: Serve, minter: TokenMinter) -> None:
    channel, _ = await raw(serve_jobs)

    async with channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        metadata = (("authorization", "Bearer " + minter.token_for(PLANNER, "model")),)
        job = await stub.GetJob(job_service_pb2.GetJobRequest(job_id="when"), timeout=60, metadata=metadata)

    assert job.done_count <= 5.0


async def test_health_and_reflection_need_no_credential(serve_jobs: Serve) -> None:
    channel, server = await raw(serve_jobs)

    async with channel:
        health = health_pb2_grpc.HealthStub(channel)
        whole = await health.Check(health_pb2.HealthCheckRequest(), timeout=30)
        one = await health.Check(
            health_pb2.HealthCheckRequest(service="shelfcast.jobs.v1.JobService"), timeout=1
        )
        await server.set_serving(is_serving=False)
        drained = await health.Check(health_pb2.HealthCheckRequest(), timeout=30)
        unknown = await failure(health.Check(health_pb2.HealthCheckRequest(service="x"), timeout=30))
        ask = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=1
        )
        listed = [service.name async for reply in ask for service in reply.list_services_response.service]

    assert (whole.status, one.status) == (1, 1)
    assert drained.status == 2
    assert unknown.code() is grpc.StatusCode.NOT_FOUND
    assert "shelfcast.jobs.v1.JobService" in listed


async def test_a_required_field_that_is_missing_is_400(connect: Connect) -> None:
    registration = Registration(
        api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server,
        api_key_service_pb2_grpc.ApiKeyServiceServicer(),  # type: ignore[abstract]  # unimplemented
        "shelfcast.identity.v1.ApiKeyService",
    )
    verifier = ChainVerifier(TokenVerifier(b"a key for tests that is long enough", "model"))
    server = await start_server([registration], verifier)
    channel = connect(server.target)
    stub = api_key_service_pb2_grpc.ApiKeyServiceStub(channel)

    with calling_as(Caller("grocer", "boss", frozenset({"api_keys.admin"}))):
        error = await failure(stub.CreateApiKey(api_key_service_pb2.CreateApiKeyRequest()))
    await server.drain(0)

    found = from_rpc_error(error)
    assert found.reason == "FIELD_MISSING"
    assert [violation.pointer for violation in found.violations] == ["/api_key"]


async def test_a_second_server_on_the_port_does_not_start(serve_jobs: Serve) -> None:
    first = await serve_jobs(Desk())  # type: ignore[abstract]  # the rest is unimplemented

    with pytest.raises(RuntimeError):
        await start_server([], ChainVerifier(TokenVerifier(b"k" * 32, "model")), port=first.port)


async def test_a_drain_lets_a_call_in_flight_finish(serve_jobs: Serve, connect: Connect) -> None:
    server = await serve_jobs(SlowDesk())  # type: ignore[abstract]  # the rest is unimplemented
    stub = job_service_pb2_grpc.JobServiceStub(connect(server.target))
    call = asyncio.create_task(get(stub, "7"))
    await asyncio.sleep(0.1)

    await server.drain(5.0)

    assert (await call).job_id == "late"


class SlowDesk(job_service_pb2_grpc.JobServiceServicer):
    """Takes half a second."""

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: object) -> job_pb2.Job:
        await asyncio.sleep(0.5)
        return job_pb2.Job(job_id="late")
