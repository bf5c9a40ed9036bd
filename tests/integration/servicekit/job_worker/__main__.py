"""A worker with handlers that count, crash and stall, run as a process by the fault tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial

from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.jobs.context import JobContext, JobHandler
from shelfcast_servicekit.jobs.domain import JobOutcome
from shelfcast_servicekit.jobs.runner import RunnerOptions
from shelfcast_servicekit.jobs.worker import WorkerOptions, run_job, run_worker
from shelfcast_servicekit.settings import ServiceSettings
from shelfcast_servicekit.transact import Transactor
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert

EFFECTS = Table(
    "effects",
    MetaData(),
    Column("effect_id", Integer, primary_key=True),
    Column("job_id", String(36)),
    Column("step", Integer),
)


class WorkerSettings(ServiceSettings):
    """Settings of the worker under test."""

    service_name = "data"
    lease_seconds: float = 1.0
    """Lease of a job."""
    stall_seconds: float = 30.0
    """When the watchdog ends the worker."""


class CountingHandler:
    """Writes one guarded effect per step, and goes on from its checkpoint."""

    isolated = False

    def __init__(self, settings: WorkerSettings) -> None:
        self._effects = Transactor(create_service_engine(settings.database_url), None, lambda c: c)

    def run(self, context: JobContext) -> JobOutcome:
        steps = int(str(context.input["steps"]))
        first = int(str((context.checkpoint or {"next": 0})["next"]))
        for step in range(first, steps):
            context.progress("counting", step, steps)
            time.sleep(float(str(context.input.get("pause", 0.1))))
            self._effects.transact_sync(partial(_effect, context, step))
        return JobOutcome({"steps": steps, "pid": os.getpid()})


def _effect(context: JobContext, step: int, connection: Connection) -> None:
    connection.execute(insert(EFFECTS).values(job_id=context.job.job_id, step=step))
    context.guard(connection, {"next": step + 1})


class IsolatedHandler(CountingHandler):
    """Does the same in a child process."""

    isolated = True


class PoisonHandler:
    """Ends its process."""

    def run(self, context: JobContext) -> JobOutcome:
        os.kill(os.getpid(), signal.SIGKILL)
        return JobOutcome()


class IsolatedPoisonHandler(PoisonHandler):
    """Ends its child process."""

    isolated = True


class BrokenHandler:
    """Raises what nobody expects."""

    def run(self, context: JobContext) -> JobOutcome:
        raise ValueError("a secret text")


class AwayHandler:
    """Finds a service away at its first attempt."""

    def run(self, context: JobContext) -> JobOutcome:
        if context.job.attempt == 1:
            raise UpstreamUnavailable(service="data")
        return JobOutcome({"attempt": context.job.attempt})


def main(arguments: list[str]) -> None:
    """Run the worker, or one isolated job."""
    settings = WorkerSettings.load()
    handlers: dict[str, JobHandler] = {
        "count": CountingHandler(settings),
        "count-isolated": IsolatedHandler(settings),
        "poison": PoisonHandler(),
        "poison-isolated": IsolatedPoisonHandler(),
        "broken": BrokenHandler(),
        "away": AwayHandler(),
    }
    runner = RunnerOptions(package="job_worker", lease_seconds=settings.lease_seconds)
    options = WorkerOptions(runner, concurrency=2, stall_seconds=settings.stall_seconds)
    if arguments and arguments[0] == "run-job":
        run_job(settings, handlers, options, arguments[1], int(arguments[2]))
    else:
        run_worker(settings, handlers, "data", options)


if __name__ == "__main__":
    main(sys.argv[1:])
