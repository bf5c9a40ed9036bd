"""F24 to F26: workers killed, frozen and poisoned; a broker killed; jobs run to their end, effects once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.delivery import PUBLISH_TIMEOUT_SECONDS, JobPublisher
from shelfcast_servicekit.jobs.domain import ENDED, Job, JobStatus, JobSubmission
from shelfcast_servicekit.jobs.store import JobStore
from shelfcast_servicekit.jobs.sweeper import JobSweeper
from shelfcast_servicekit.jobs.table import job_table
from shelfcast_testing.redis_process import RedisProcess
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, select
from sqlalchemy.exc import OperationalError

pytestmark = [pytest.mark.redis, pytest.mark.slow]
HERE = Path(__file__).parent
EFFECTS = Table(  # what the handlers of `job_worker` write
    "effects",
    MetaData(),
    Column("effect_id", Integer, primary_key=True),
    Column("job_id", String(36)),
    Column("step", Integer),
)
StartWorker = Callable[..., "subprocess.Popen[bytes]"]


@dataclass
class Jobs:
    """A service's side of the jobs, with its sweeper running."""

    store: JobStore
    sweeper: JobSweeper
    engine: Engine

    async def submit(self, kind: str, **given: object) -> Job:
        job = await self.store.submit(JobSubmission("grocer", kind, "tester", given))
        self.sweeper.wake()
        return job

    async def get(self, job: Job) -> Job:
        return await self.store.get("grocer", job.job_id)

    async def until(self, job: Job, holds: Callable[[Job], bool], seconds: float = 100.0) -> Job:
        deadline = time.monotonic() + seconds
        while not holds(now := await self.get(job)):
            assert time.monotonic() < deadline, now
            await asyncio.sleep(0.05)
        return now

    async def ended(self, job: Job, seconds: float = 100.0) -> Job:
        return await self.until(job, lambda now: now.status in ENDED, seconds)

    def freeze(self, worker: subprocess.Popen[bytes], job: Job) -> None:
        """Freeze a worker between two transactions: within one it would hold a lock that nobody can take."""
        lock = "BEGIN IMMEDIATE"
        if self.engine.dialect.name != "sqlite":
            lock = f"SELECT 1 FROM {self.store.table.name} WHERE job_id = '{job.job_id}' FOR UPDATE NOWAIT"
        while True:
            worker.send_signal(signal.SIGSTOP)
            with self.engine.connect() as connection, suppress(OperationalError):
                connection.exec_driver_sql(lock)
                connection.rollback()
                return
            worker.send_signal(signal.SIGCONT)
            time.sleep(0.05)

    def steps(self, job: Job) -> list[int]:
        with self.engine.connect() as connection:
            query = select(EFFECTS.c.step).where(EFFECTS.c.job_id == job.job_id)
            return list(connection.execute(query.order_by(EFFECTS.c.effect_id)).scalars())


@pytest.fixture
async def jobs(engine: Engine, executor: BlockingExecutor, own_redis: RedisProcess) -> AsyncIterator[Jobs]:
    metadata = MetaData()
    table = job_table(metadata)
    metadata.create_all(engine)
    EFFECTS.metadata.create_all(engine)
    store = JobStore(engine, executor, table)
    publisher = JobPublisher(own_redis.url, "data")
    sweeper = JobSweeper(store, publisher, every_seconds=0.2, republish_seconds=1.0)
    task = asyncio.create_task(sweeper.run())
    yield Jobs(store, sweeper, engine)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    publisher.close()


@pytest.fixture
def start_worker(database_url: str, own_redis: RedisProcess, tmp_path: Path) -> Iterator[StartWorker]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,  # noqa: TID251 - a child process inherits it
            "PYTHONPATH": str(HERE),
            "SHELFCAST_DATABASE_URL": database_url,
            "SHELFCAST_REDIS_URL": own_redis.url,
            "SHELFCAST_DATA_DIR": str(tmp_path),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
            **settings,
        }
        process = subprocess.Popen([sys.executable, "-m", "job_worker"], env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


async def test_a_job_runs_to_its_end(jobs: Jobs, start_worker: StartWorker) -> None:
    start_worker()

    job = await jobs.ended(await jobs.submit("count", steps=3))

    assert (job.status, jobs.steps(job)) == (JobStatus.COMPLETED, [0, 1, 2])


@pytest.mark.parametrize("kind", ["count", "count-isolated"])
async def test_f25_a_killed_worker_loses_no_job_and_repeats_no_effect(
    jobs: Jobs, start_worker: StartWorker, kind: str
) -> None:
    first = start_worker()
    job = await jobs.submit(kind, steps=12)
    await jobs.until(job, lambda _: len(jobs.steps(job)) >= 3)

    first.kill()
    start_worker()
    done = await jobs.ended(job)

    assert (done.status, jobs.steps(job)) == (JobStatus.COMPLETED, list(range(12)))
    assert done.attempt >= 2


async def test_f24_a_worker_frozen_past_its_lease_overwrites_nothing(
    jobs: Jobs, start_worker: StartWorker
) -> None:
    first = start_worker()
    job = await jobs.submit("count", steps=12)
    await jobs.until(job, lambda _: len(jobs.steps(job)) >= 3)

    await asyncio.to_thread(jobs.freeze, first, job)
    start_worker()
    await jobs.until(job, lambda now: now.attempt == 2)
    first.send_signal(signal.SIGCONT)
    done = await jobs.ended(job)
    await asyncio.sleep(1.0)

    assert (done.status, jobs.steps(job)) == (JobStatus.COMPLETED, list(range(12)))
    assert await jobs.get(job) == done


async def test_f26_a_poison_job_dies_at_its_third_crash_and_the_queue_goes_on(
    jobs: Jobs, start_worker: StartWorker
) -> None:
    poison = await jobs.submit("poison")
    for attempt in (1, 2, 3):
        worker = start_worker()
        await jobs.until(poison, lambda now, wanted=attempt: now.attempt == wanted)  # type: ignore[misc]
        assert await asyncio.to_thread(worker.wait, 60) == -signal.SIGKILL
    dead = await jobs.ended(poison)
    start_worker()

    good = await jobs.ended(await jobs.submit("count", steps=1))

    assert dead.error is not None
    assert (dead.status, dead.error["code"]) == (JobStatus.FAILED, "JOB_CRASHED")
    assert good.status is JobStatus.COMPLETED


async def test_a_poison_job_in_a_child_leaves_its_worker_alive(jobs: Jobs, start_worker: StartWorker) -> None:
    worker = start_worker()

    dead = await jobs.ended(await jobs.submit("poison-isolated"), 150)

    assert dead.error is not None
    assert (dead.attempt, dead.error["code"], worker.poll()) == (3, "JOB_CRASHED", None)


@pytest.mark.parametrize("kind", ["count", "count-isolated"])
async def test_a_cancel_ends_a_running_job(jobs: Jobs, start_worker: StartWorker, kind: str) -> None:
    start_worker()
    job = await jobs.submit(kind, steps=1000)
    await jobs.until(job, lambda _: len(jobs.steps(job)) >= 2)

    await jobs.store.request_cancel("grocer", job.job_id)
    done = await jobs.ended(job)
    written = len(jobs.steps(job))
    await asyncio.sleep(0.5)

    assert done.status is JobStatus.CANCELLED
    assert len(jobs.steps(job)) == written


async def test_sigterm_hands_a_running_job_back(jobs: Jobs, start_worker: StartWorker) -> None:
    first = start_worker()
    job = await jobs.submit("count", steps=30)
    await jobs.until(job, lambda _: len(jobs.steps(job)) >= 2)

    first.terminate()
    await asyncio.to_thread(first.wait, 60)
    waiting = await jobs.get(job)
    start_worker()
    done = await jobs.ended(job)

    assert waiting.status is JobStatus.PENDING
    assert (done.status, jobs.steps(job)) == (JobStatus.COMPLETED, list(range(30)))


async def test_jobs_survive_a_killed_broker(
    jobs: Jobs, start_worker: StartWorker, own_redis: RedisProcess
) -> None:
    start_worker()
    running = await jobs.submit("count", steps=20)
    await jobs.until(running, lambda _: len(jobs.steps(running)) >= 2)

    own_redis.kill()
    waiting = await jobs.submit("count", steps=1)
    await asyncio.sleep(1.0)
    assert (await jobs.get(waiting)).status is JobStatus.PENDING
    own_redis.start()

    assert (await jobs.ended(running)).status is JobStatus.COMPLETED
    assert (await jobs.ended(waiting)).status is JobStatus.COMPLETED
    assert jobs.steps(running) == list(range(20))


async def test_a_frozen_broker_does_not_hold_up_a_submission(jobs: Jobs, own_redis: RedisProcess) -> None:
    own_redis.freeze()

    submission = asyncio.create_task(jobs.submit("count", steps=1))
    publication = asyncio.create_task(asyncio.sleep(PUBLISH_TIMEOUT_SECONDS))
    ended, _ = await asyncio.wait({submission, publication}, return_when=asyncio.FIRST_COMPLETED)
    await publication
    own_redis.thaw()
    job = await submission

    assert (await jobs.get(job)).status is JobStatus.PENDING
    assert submission in ended


async def test_an_unexpected_exception_keeps_its_text_to_the_log(
    jobs: Jobs, start_worker: StartWorker
) -> None:
    start_worker()

    job = await jobs.ended(await jobs.submit("broken"))

    assert job.error is not None
    assert job.error["code"] == "INTERNAL"
    assert "secret" not in str(job.error)


async def test_a_kind_without_a_handler_fails_with_its_reason(jobs: Jobs, start_worker: StartWorker) -> None:
    start_worker()

    job = await jobs.ended(await jobs.submit("juggle"))

    assert job.error is not None
    assert (job.error["code"], job.error["status"]) == ("JOB_KIND_UNKNOWN", 500)


async def test_a_job_that_finds_a_service_away_is_tried_again(jobs: Jobs, start_worker: StartWorker) -> None:
    start_worker()

    job = await jobs.ended(await jobs.submit("away"))

    assert (job.status, job.attempt) == (JobStatus.COMPLETED, 2)
