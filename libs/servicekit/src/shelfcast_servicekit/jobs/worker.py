"""The worker process of a service."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from celery import signals
from sqlalchemy import MetaData

from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.jobs.delivery import CONSUME_TIMEOUT_SECONDS, job_app, register_task
from shelfcast_servicekit.jobs.in_child import run_job_child
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions
from shelfcast_servicekit.jobs.store import JobLedger
from shelfcast_servicekit.jobs.table import job_table
from shelfcast_servicekit.jobs.watchdog import STALL_SECONDS, Watchdog
from shelfcast_servicekit.telemetry import setup_telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

    from shelfcast_servicekit.jobs.context import JobHandler
    from shelfcast_servicekit.settings import ServiceSettings

READ_TIMEOUT_SECONDS: Final = 10


def ledger_connections(concurrency: int) -> int:
    """Give the size of the pool that a worker keeps for its job table, whatever its jobs need besides."""
    return concurrency * 2 + 2


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker process works."""

    runner: RunnerOptions
    """How it runs a job."""
    table_prefix: str = ""
    """Prefix of the job table, for instance `model_`."""
    concurrency: int = 1
    """Jobs at a time."""
    stall_seconds: float = STALL_SECONDS
    """How long it may take nothing while announced jobs wait, before it ends with code 76."""


def run_worker(
    settings: ServiceSettings, handlers: Mapping[str, JobHandler], queue: str, options: WorkerOptions
) -> None:
    """Take jobs from a queue until SIGTERM; then hand running jobs back and return.

    handlers: by kind of job. queue: `data` or `model`.
    """
    telemetry = setup_telemetry(f"{settings.service_name}-worker", settings)
    ledger = _ledger(settings, options)
    runner = JobRunner(ledger, handlers, options.runner)
    watchdog = Watchdog(ledger, runner, stall_seconds=options.stall_seconds)
    app = job_app(settings.redis_url, queue, CONSUME_TIMEOUT_SECONDS)
    register_task(app, runner.run)

    def hand_back(**_: object) -> None:
        runner.stop()

    signals.worker_shutting_down.connect(hand_back)
    watchdog.start()
    try:
        _consume(app, queue, options.concurrency)
    finally:
        watchdog.stop()
        signals.worker_shutting_down.disconnect(hand_back)
        telemetry.shutdown()


def run_job(
    settings: ServiceSettings,
    handlers: Mapping[str, JobHandler],
    options: WorkerOptions,
    job_id: str,
    fence: int,
) -> None:
    """Run one isolated job in this process; what `python -m <package> run-job <job_id> <fence>` calls."""
    telemetry = setup_telemetry(f"{settings.service_name}-job", settings)
    try:
        run_job_child(JobRunner(_ledger(settings, options), handlers, options.runner), job_id, fence)
    finally:
        telemetry.shutdown()


def _ledger(settings: ServiceSettings, options: WorkerOptions) -> JobLedger:
    engine = create_service_engine(
        settings.database_url,
        pool_size=ledger_connections(options.concurrency),
        traced=False,  # heartbeats and progress notes are no steps of the job
        read_timeout_seconds=READ_TIMEOUT_SECONDS,
    )
    return JobLedger(engine, job_table(MetaData(), options.table_prefix))


def _consume(app: Celery, queue: str, concurrency: int) -> None:
    worker = app.Worker(
        queues=[queue],
        pool="threads",
        concurrency=concurrency,
        hostname=f"{queue}-{os.getpid()}@shelfcast",
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
