"""The call kinds that are rarer: a stream from the client, and a servicer that writes by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from shelfcast.ingestion.v1 import import_service_pb2, import_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import Caller, ChainVerifier, TokenVerifier, calling_as
from shelfcast_servicekit.interceptors.behaviour import Context
from shelfcast_servicekit.server import Registration, RunningServer, start_server
from shelfcast_servicekit.status import from_rpc_error

BUYER = Caller("grocer", "api-key:Ab3dE6gH", frozenset({"imports.write", "jobs.read"}))
Chunk = import_service_pb2.CreateImportRequest
Connect = Callable[[str], grpc.aio.Channel]


class ImportDesk(import_service_pb2_grpc.ImportServiceServicer):
    """Counts the bytes of an upload."""

    async def CreateImport(self, request_iterator: AsyncIterator[Chunk], context: object) -> job_pb2.Job:
        count = 0
        async for chunk in request_iterator:
            count += len(chunk.data)
        return job_pb2.Job(done_count=count)


class WritingDesk(job_service_pb2_grpc.JobServiceServicer):
    """Writes its stream through the context."""

    async def WatchJob(self, request: job_service_pb2.WatchJobRequest, context: Context) -> None:  # type: ignore[override]
        for count in range(3):
            await context.write(job_pb2.Job(done_count=count))
        if request.job_id == "odd":
            raise ValueError("hunter2")


async def serve(add: Callable[..., None], servicer: object, name: str) -> RunningServer:
    verifier = ChainVerifier(TokenVerifier(b"a key for tests that is long enough", "model"))
    return await start_server([Registration(add, servicer, name)], verifier)


@pytest.fixture
async def upload(connect: Connect) -> AsyncIterator[Callable[[list[int]], Awaitable[job_pb2.Job]]]:
    server = await serve(
        import_service_pb2_grpc.add_ImportServiceServicer_to_server,
        ImportDesk(),  # type: ignore[abstract]  # the rest is unimplemented
        "shelfcast.ingestion.v1.ImportService",
    )
    stub = import_service_pb2_grpc.ImportServiceStub(connect(server.target))

    async def send(sizes: list[int]) -> job_pb2.Job:
        async def chunks() -> AsyncIterator[Chunk]:
            for size in sizes:
                yield Chunk(data=b"x" * size)
                await asyncio.sleep(0)

        with calling_as(BUYER):
            call = stub.CreateImport(chunks())
        return await call

    yield send
    await server.drain(0)


async def test_an_upload_arrives_whole_and_is_one_span(
    upload: Callable[[list[int]], Awaitable[job_pb2.Job]], spans: InMemorySpanExporter
) -> None:
    job = await upload([1_000_000, 2_000_000, 5])
    await asyncio.sleep(0.05)

    ended = [(span.name.rpartition("/")[2], span.kind) for span in spans.get_finished_spans()]
    assert job.done_count == 3_000_005
    assert sorted(ended, key=str) == [
        ("CreateImport", SpanKind.CLIENT),
        ("CreateImport", SpanKind.SERVER),
    ]


async def test_every_message_of_an_upload_keeps_its_rules(
    upload: Callable[[list[int]], Awaitable[job_pb2.Job]],
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await upload([10, 2_097_153, 10])

    error = from_rpc_error(caught.value)
    assert error.reason == "FIELD_RULE_VIOLATED"
    assert [violation.pointer for violation in error.violations] == ["/data"]


@pytest.mark.parametrize(("job_id", "code"), [("even", None), ("odd", grpc.StatusCode.INTERNAL)])
async def test_a_servicer_may_write_its_stream_by_hand(
    connect: Connect, job_id: str, code: grpc.StatusCode | None
) -> None:
    server = await serve(
        job_service_pb2_grpc.add_JobServiceServicer_to_server,
        WritingDesk(),  # type: ignore[abstract]  # the rest is unimplemented
        "shelfcast.jobs.v1.JobService",
    )
    stub = job_service_pb2_grpc.JobServiceStub(connect(server.target))
    seen: list[float] = []

    with calling_as(BUYER):
        call = stub.WatchJob(job_service_pb2.WatchJobRequest(job_id=job_id))
    reading = _read(call, seen)
    [failure] = await asyncio.gather(reading, return_exceptions=True)
    await server.drain(0)

    assert seen == [0, 1, 2]
    assert (failure.code() if isinstance(failure, grpc.aio.AioRpcError) else None) is code
    assert "hunter2" not in str(failure)


async def _read(call: AsyncIterable[job_pb2.Job], seen: list[float]) -> None:
    async for job in call:
        seen.append(job.done_count)  # noqa: PERF401 - what came before the error counts
