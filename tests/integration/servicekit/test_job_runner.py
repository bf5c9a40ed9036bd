"""One run of a job in this process: ends, signals, heartbeat, child, trace; and the sweeper beside it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.deadline import deadline_within, remaining_seconds
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.errors import EtagMismatch, UpstreamUnavailable
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.context import JobContext, JobHandler, JobSignals
from shelfcast_servicekit.jobs.delivery import JobPublisher
from shelfcast_servicekit.jobs.domain import Job, JobOutcome, JobStatus, JobSubmission
from shelfcast_servicekit.jobs.heartbeat import Heartbeat
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions
from shelfcast_servicekit.jobs.store import JobLedger, JobStore
from shelfcast_servicekit.jobs.sweeper import JobSweeper
from shelfcast_servicekit.jobs.table import job_table
from sqlalchemy import MetaData

Work = Callable[[JobContext], JobOutcome]


class Doing:
    """A handler made of a function."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def run(self, context: JobContext) -> JobOutcome:
        return self._work(context)


class Desk:
    """A job table with a runner beside it."""

    def __init__(self, folder: Path, executor: BlockingExecutor) -> None:
        self.engine = create_service_engine(f"sqlite:///{folder}/jobs.sqlite")
        metadata = MetaData()
        table = job_table(metadata)
        metadata.create_all(self.engine)
        self.store = JobStore(self.engine, executor, table)
        self.ledger = JobLedger(self.engine, table)

    def runner(self, handlers: Mapping[str, Work], lease_seconds: float = 30.0) -> JobRunner:
        options = RunnerOptions("no_such_package", lease_seconds, frozenset({"sales.read"}))
        wrapped: dict[str, JobHandler] = {kind: Doing(work) for kind, work in handlers.items()}
        return JobRunner(self.ledger, wrapped, options)

    async def submit(self, kind: str = "count") -> Job:
        return await self.store.submit(JobSubmission("grocer", kind, "api-key:Ab3dE6gH", {"steps": 3}))

    async def get(self, job: Job) -> Job:
        return await self.store.get("grocer", job.job_id)


@pytest.fixture
def desk(tmp_path: Path, executor: BlockingExecutor) -> Iterator[Desk]:
    desk = Desk(tmp_path, executor)
    yield desk
    desk.engine.dispose()


def seen_by_handler(context: JobContext) -> JobOutcome:
    caller = current_caller()
    return JobOutcome(
        {
            "tenant": context.tenant,
            "caller": f"{caller.tenant}/{caller.principal}/{sorted(caller.permissions)}",
            "steps": context.input["steps"],
            "fence": context.fence,
            "checkpoint": context.checkpoint,
            "remaining": remaining_seconds(),
        },
        "/api/v1/models/7",
    )


async def test_a_handler_sees_its_job_and_acts_for_its_tenant(desk: Desk) -> None:
    job = await desk.submit()

    with deadline_within(1.0):
        ran = await asyncio.to_thread(desk.runner({"count": seen_by_handler}).run, job.job_id)

    done = await desk.get(job)
    assert ran
    assert (done.status, done.result_url) == (JobStatus.COMPLETED, "/api/v1/models/7")
    assert done.result == {
        "tenant": "grocer",
        "caller": "grocer/api-key:Ab3dE6gH/['sales.read']",
        "steps": 3,
        "fence": 1,
        "checkpoint": None,
        "remaining": None,
    }


async def test_a_job_that_is_taken_is_not_run_again(desk: Desk) -> None:
    job = await desk.submit()
    runner = desk.runner({"count": seen_by_handler})
    await asyncio.to_thread(runner.run, job.job_id)

    assert not await asyncio.to_thread(runner.run, job.job_id)
    assert not await asyncio.to_thread(runner.run, "no such job")


async def test_a_run_has_a_trace_of_its_own_linked_to_its_cause(
    desk: Desk, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("test").start_as_current_span("request") as request:
        job = await desk.submit()
    await asyncio.to_thread(desk.runner({"count": seen_by_handler}).run, job.job_id)

    (run,) = [span for span in spans.get_finished_spans() if span.name == "job count"]
    cause = request.get_span_context()
    assert run.context is not None
    assert run.attributes is not None
    assert run.parent is None
    assert run.context.trace_id != cause.trace_id
    assert [link.context.span_id for link in run.links] == [cause.span_id]
    assert run.attributes["job.outcome"] == "completed"
    assert job.trace_id == f"{cause.trace_id:032x}"


def declared(_: JobContext) -> JobOutcome:
    raise EtagMismatch


def broken(_: JobContext) -> JobOutcome:
    raise ValueError("hunter2")


def unstorable(_: JobContext) -> JobOutcome:
    return JobOutcome({"odd": object()})


@pytest.mark.parametrize(
    ("work", "code"), [(declared, "ETAG_MISMATCH"), (broken, "INTERNAL"), (unstorable, "INTERNAL")]
)
async def test_a_failure_is_kept_as_a_problem(desk: Desk, work: Work, code: str) -> None:
    job = await desk.submit()

    await asyncio.to_thread(desk.runner({"count": work}).run, job.job_id)

    done = await desk.get(job)
    assert done.error is not None
    assert (done.status, done.error["code"]) == (JobStatus.FAILED, code)
    assert "hunter2" not in str(done.error)


async def test_what_is_away_is_tried_six_times(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfcast_servicekit.jobs.runner.TRANSIENT_ATTEMPTS", 2)

    def away(_: JobContext) -> JobOutcome:
        raise UpstreamUnavailable(service="data")

    job = await desk.submit()
    runner = desk.runner({"count": away})
    await asyncio.to_thread(runner.run, job.job_id)
    waiting = await desk.get(job)
    assert not await asyncio.to_thread(runner.run, job.job_id)
    await asyncio.sleep(2.1)
    await asyncio.to_thread(runner.run, job.job_id)
    done = await desk.get(job)

    assert waiting.status is JobStatus.PENDING
    assert done.error is not None
    assert (done.status, done.error["code"]) == (JobStatus.FAILED, "UPSTREAM_UNAVAILABLE")


def until_stopped(context: JobContext) -> JobOutcome:
    for count in range(1000):
        context.progress("counting", count, 1000)
        time.sleep(0.01)
    return JobOutcome()


async def test_a_cancel_is_heard_within_a_third_of_the_lease(desk: Desk) -> None:
    job = await desk.submit()
    run = asyncio.create_task(asyncio.to_thread(desk.runner({"count": until_stopped}, 0.6).run, job.job_id))
    await asyncio.sleep(0.1)

    await desk.store.request_cancel("grocer", job.job_id)
    await asyncio.wait_for(run, 60)

    done = await desk.get(job)
    assert (done.status, done.phase) == (JobStatus.CANCELLED, "counting")


async def test_a_stopping_worker_hands_back_and_takes_nothing_new(desk: Desk) -> None:
    job = await desk.submit()
    runner = desk.runner({"count": until_stopped})
    run = asyncio.create_task(asyncio.to_thread(runner.run, job.job_id))
    await asyncio.sleep(0.2)
    running = runner.running_count

    runner.stop()
    await asyncio.wait_for(run, 60)

    assert (running, runner.running_count) == (1, 0)
    assert (await desk.get(job)).status is JobStatus.PENDING
    assert not runner.run(job.job_id)


async def test_a_run_that_lost_its_lease_leaves_the_job_alone(desk: Desk) -> None:
    job = await desk.submit()

    def steal(context: JobContext) -> JobOutcome:
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE jobs SET fence = fence + 1")
        return JobOutcome({"late": True})

    await asyncio.to_thread(desk.runner({"count": steal}).run, job.job_id)

    left = await desk.get(job)
    assert (left.status, left.result) == (JobStatus.PROCESSING, None)


class SilentLedger:
    """A ledger whose database is away."""

    def heartbeat(self, *_: object) -> bool:
        raise UpstreamUnavailable(service="database")


async def test_a_lease_is_given_up_when_the_database_stays_away(desk: Desk) -> None:
    signals = JobSignals()
    job = await desk.submit()

    with Heartbeat(cast("JobLedger", SilentLedger()), job, signals, 0.3):
        lost_early = await asyncio.to_thread(signals.lease_lost.wait, 0.15)
        lost = await asyncio.to_thread(signals.lease_lost.wait, 2.0)

    assert (lost_early, lost) == (False, True)


async def test_progress_is_stored_seldom_but_each_phase_is(desk: Desk) -> None:
    job = await desk.submit()
    held = desk.ledger.claim(job.job_id, 30.0)
    assert held is not None
    told: list[tuple[str, float]] = []

    class Counted:
        def progress(self, job_id: str, fence: int, phase: str, done: float, total: float) -> None:
            told.append((phase, done))
            desk.ledger.progress(job_id, fence, phase, done, total)

    context = JobContext(held, cast("JobLedger", Counted()), JobSignals())

    for count in range(2000):
        context.progress("reading", count, 5000)
    context.progress("writing", 1, 10)

    assert told[0] == ("reading", 0)
    assert told[-1] == ("writing", 1)
    assert len(told) < 200
    assert (await desk.get(job)).phase == "writing"


async def test_progress_that_cannot_be_told_harms_nobody(desk: Desk) -> None:
    job = await desk.submit()

    class Away(SilentLedger):
        def progress(self, *_: object) -> None:
            raise UpstreamUnavailable(service="database")

    JobContext(job, cast("JobLedger", Away()), JobSignals()).progress("reading", 1, 2)


async def test_a_child_that_cannot_start_is_a_crash(desk: Desk) -> None:
    job = await desk.submit()
    isolated = Doing(seen_by_handler)
    isolated.isolated = True  # type: ignore[attr-defined]
    runner = JobRunner(desk.ledger, {"count": isolated}, RunnerOptions("no_such_package"))

    for _ in range(3):
        await asyncio.to_thread(runner.run, job.job_id)

    done = await desk.get(job)
    assert done.error is not None
    assert (done.status, done.error["code"], done.attempt) == (JobStatus.FAILED, "JOB_CRASHED", 3)


async def test_a_child_runs_what_its_parent_holds(desk: Desk) -> None:
    job = await desk.submit()
    desk.ledger.claim(job.job_id, 30.0)

    runner = desk.runner({"count": seen_by_handler})
    await asyncio.to_thread(runner.run_held, job.job_id, 1, JobSignals())

    assert (await desk.get(job)).status is JobStatus.COMPLETED


class Postman:
    """A publisher whose broker can be away."""

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.is_away = False
        self.tried = threading.Event()

    def publish(self, job_id: str) -> bool:
        self.tried.set()
        if not self.is_away:
            self.carried.append(job_id)
        return not self.is_away


@pytest.fixture
async def postman(desk: Desk) -> AsyncIterator[tuple[Postman, JobSweeper]]:
    postman = Postman()
    sweeper = JobSweeper(desk.store, cast("JobPublisher", postman), every_seconds=5.0, republish_seconds=60.0)
    task = asyncio.create_task(sweeper.run())
    await asyncio.sleep(0.1)
    yield postman, sweeper
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_woken_sweeper_announces_at_once_and_once(
    desk: Desk, postman: tuple[Postman, JobSweeper]
) -> None:
    man, sweeper = postman
    job = await desk.submit()

    for _ in range(3):
        sweeper.wake()
        await asyncio.sleep(0.2)

    assert man.carried == [job.job_id]


async def test_jobs_wait_while_the_broker_is_away_and_go_out_in_order(
    desk: Desk, postman: tuple[Postman, JobSweeper]
) -> None:
    man, sweeper = postman
    man.is_away = True
    jobs = [await desk.submit() for _ in range(3)]
    sweeper.wake()
    await asyncio.to_thread(man.tried.wait, 5)
    await asyncio.sleep(0.1)

    man.is_away = False
    sweeper.wake()
    await asyncio.sleep(0.3)

    assert man.carried == [job.job_id for job in jobs]


async def test_a_job_with_an_own_id_keeps_it(desk: Desk) -> None:
    submission = JobSubmission("grocer", "count", "me", job_id="0b9bcd2e-7a4e-4c43-9f5c-0a7a4f5f9a11")

    job = await desk.store.submit(replace(submission, input={"a": [1, None, True]}))

    assert job.job_id == "0b9bcd2e-7a4e-4c43-9f5c-0a7a4f5f9a11"
    assert (await desk.get(job)).input == {"a": [1, None, True]}
