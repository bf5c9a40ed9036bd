"""JobService over the wire, alone and with the jobs of another service merged in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import Caller, calling_as
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.domain import JobOutcome, JobSubmission
from shelfcast_servicekit.jobs.servicer import JobServicer
from shelfcast_servicekit.jobs.store import JobLedger, JobStore
from shelfcast_servicekit.jobs.table import job_table
from shelfcast_servicekit.paging import PageTokens
from shelfcast_servicekit.server import RunningServer
from shelfcast_servicekit.status import from_rpc_error
from sqlalchemy import MetaData

PLANNER = Caller("grocer", "api-key:Ab3dE6gH", frozenset({"jobs.read", "jobs.write"}))
TRAIN = JobSubmission("grocer", "train", "api-key:Ab3dE6gH", {"epochs": 3})


class Room:
    """A service's job table, its JobService and a stub for it."""

    def __init__(self, folder: Path, name: str, executor: BlockingExecutor) -> None:
        self.engine = create_service_engine(f"sqlite:///{folder}/{name}.sqlite")
        metadata = MetaData()
        table = job_table(metadata)
        metadata.create_all(self.engine)
        self.store = JobStore(self.engine, executor, table)
        self.ledger = JobLedger(self.engine, table)
        self.woken: list[None] = []

    def servicer(self, peer: job_service_pb2_grpc.JobServiceAsyncStub | None = None) -> JobServicer:
        tokens = PageTokens(b"k" * 32)
        return JobServicer(self.store, tokens, lambda: self.woken.append(None), peer)


Serve = Callable[[job_service_pb2_grpc.JobServiceServicer], Awaitable[RunningServer]]
Connect = Callable[[str], grpc.aio.Channel]


class Pair:
    """A model service that merges the jobs of a data service in."""

    def __init__(self, data: Room, model: Room, stub: job_service_pb2_grpc.JobServiceAsyncStub) -> None:
        self.data = data
        self.model = model
        self.stub = stub


@pytest.fixture
async def pair(tmp_path: Path, executor: BlockingExecutor, serve_jobs: Serve, connect: Connect) -> Pair:
    data, model = Room(tmp_path, "data", executor), Room(tmp_path, "model", executor)
    data_server = await serve_jobs(data.servicer())
    peer = job_service_pb2_grpc.JobServiceStub(connect(data_server.target))
    model_server = await serve_jobs(model.servicer(peer))
    stub = job_service_pb2_grpc.JobServiceStub(connect(model_server.target))
    return Pair(data, model, stub)


async def refusal(call: Awaitable[object]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value).reason


async def test_jobs_of_both_services_are_read_through_one(pair: Pair) -> None:
    ours = await pair.model.store.submit(TRAIN)
    theirs = await pair.data.store.submit(replace(TRAIN, kind="import"))

    with calling_as(PLANNER):
        kinds = [
            (await pair.stub.GetJob(job_service_pb2.GetJobRequest(job_id=job.job_id))).kind
            for job in (ours, theirs)
        ]

    assert kinds == ["train", "import"]


async def test_an_unknown_job_and_a_foreign_one_are_not_found(pair: Pair) -> None:
    foreign = await pair.data.store.submit(replace(TRAIN, tenant="baker"))

    with calling_as(PLANNER):
        for job_id in ("nothing", foreign.job_id):
            call = pair.stub.GetJob(job_service_pb2.GetJobRequest(job_id=job_id))
            assert await refusal(call) == "JOB_NOT_FOUND"


async def test_a_merged_list_is_newest_first_without_gap_or_repeat(pair: Pair) -> None:
    submitted = []
    for number in range(11):
        room = pair.data if number % 3 else pair.model
        submitted.append((await room.store.submit(TRAIN)).job_id)

    seen: list[str] = []
    token = ""
    with calling_as(PLANNER):
        while True:
            request = job_service_pb2.ListJobsRequest(page_size=3, page_token=token)
            reply = await pair.stub.ListJobs(request)
            seen += [job.job_id for job in reply.jobs]
            token = reply.next_page_token
            if not token:
                break

    assert len(seen) == 11
    assert set(seen) == set(submitted)
    assert reply.count_by_status["pending"] == 11
    assert reply.count_by_status["failed"] == 0


async def test_a_page_token_of_another_filter_is_refused(pair: Pair) -> None:
    for _ in range(3):
        await pair.model.store.submit(TRAIN)

    with calling_as(PLANNER):
        first = await pair.stub.ListJobs(job_service_pb2.ListJobsRequest(page_size=1))
        moved = job_service_pb2.ListJobsRequest(page_size=1, page_token=first.next_page_token, kind="train")
        assert await refusal(pair.stub.ListJobs(moved)) == "PAGE_TOKEN_INVALID"


async def test_a_list_can_be_filtered_by_status(pair: Pair) -> None:
    done = await pair.data.store.submit(TRAIN)
    await pair.data.store.submit(TRAIN)
    pair.data.ledger.claim(done.job_id, 30)
    pair.data.ledger.complete(done.job_id, 1, JobOutcome({"wape": 0.12}))

    with calling_as(PLANNER):
        request = job_service_pb2.ListJobsRequest(status=job_pb2.JOB_STATUS_COMPLETED)
        reply = await pair.stub.ListJobs(request)

    assert [(job.job_id, job.result["wape"]) for job in reply.jobs] == [(done.job_id, 0.12)]


async def test_cancel_and_retry_reach_the_service_that_has_the_job(pair: Pair) -> None:
    theirs = await pair.data.store.submit(TRAIN)

    with calling_as(PLANNER):
        cancelled = await pair.stub.CancelJob(job_service_pb2.CancelJobRequest(job_id=theirs.job_id))
        again = await pair.stub.RetryJob(job_service_pb2.RetryJobRequest(job_id=theirs.job_id))
        conflict = await refusal(pair.stub.RetryJob(job_service_pb2.RetryJobRequest(job_id=theirs.job_id)))

    assert (cancelled.status, again.status) == (job_pb2.JOB_STATUS_CANCELLED, job_pb2.JOB_STATUS_PENDING)
    assert conflict == "STATE_CONFLICT"
    assert pair.data.woken


@pytest.mark.parametrize("room", ["data", "model"])
async def test_a_watch_shows_each_change_until_the_end(pair: Pair, room: str) -> None:
    owner: Room = getattr(pair, room)
    job = await owner.store.submit(TRAIN)

    async def work() -> None:
        await asyncio.sleep(0.2)
        owner.ledger.claim(job.job_id, 30)
        owner.ledger.progress(job.job_id, 1, "fitting", 1, 3)
        await asyncio.sleep(0.8)
        owner.ledger.fail(job.job_id, 1, {"code": "INTERNAL", "status": 500})

    task = asyncio.create_task(work())
    with calling_as(PLANNER):
        watch = pair.stub.WatchJob(job_service_pb2.WatchJobRequest(job_id=job.job_id))
    seen = [message async for message in watch]
    await task

    assert [message.status for message in seen] == [
        job_pb2.JOB_STATUS_PENDING,
        job_pb2.JOB_STATUS_PROCESSING,
        job_pb2.JOB_STATUS_FAILED,
    ]
    assert (seen[1].phase, seen[1].total_count, seen[2].error["code"]) == ("fitting", 3, "INTERNAL")


async def test_a_peer_that_is_away_is_named(
    tmp_path: Path, executor: BlockingExecutor, serve_jobs: Serve, connect: Connect
) -> None:
    model = Room(tmp_path, "model", executor)
    nobody = job_service_pb2_grpc.JobServiceStub(connect("127.0.0.1:1"))
    server = await serve_jobs(model.servicer(nobody))
    stub = job_service_pb2_grpc.JobServiceStub(connect(server.target))

    with calling_as(PLANNER):
        assert await refusal(stub.ListJobs(job_service_pb2.ListJobsRequest())) == "UPSTREAM_UNAVAILABLE"
