"""Start the model service: `serve` (default), `worker`, `migrate`, or `run-job` for an isolated job."""

from __future__ import annotations

import argparse

from shelfcast_servicekit import event_loop
from shelfcast_servicekit.jobs.worker import run_job, run_worker
from shelfcast_servicekit.server import serve
from shelfcast_servicekit.telemetry import setup_telemetry

from shelfcast_model.bootstrap import QUEUE, WORKER, Application, job_handlers, migrate
from shelfcast_model.settings import ModelSettings


async def _serve(settings: ModelSettings) -> None:
    telemetry = setup_telemetry(settings.service_name, settings)
    application = Application(settings)
    await serve(
        settings,
        application.registrations(),
        application.verifier,
        on_start=application.start,
        on_stop=application.stop,
        background=application.background,
        telemetry=telemetry,
    )


def main() -> None:
    """Read the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m shelfcast_model", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve gRPC (the default)")
    commands.add_parser("worker", help="run training and prediction jobs")
    commands.add_parser("migrate", help="bring the database to the newest revision")
    child = commands.add_parser("run-job", help="run one isolated job; the worker calls it")
    child.add_argument("job_id")
    child.add_argument("fence", type=int)
    arguments = parser.parse_args()
    settings = ModelSettings.load()
    if arguments.command == "migrate":
        migrate(settings)
    elif arguments.command == "worker":
        _worker(settings)
    elif arguments.command == "run-job":
        _run_job(settings, arguments.job_id, arguments.fence)
    else:
        if settings.mode == "embedded":
            migrate(settings)
        event_loop.run(_serve(settings))


def _worker(settings: ModelSettings) -> None:
    run_worker(settings, job_handlers(settings), QUEUE, WORKER)


def _run_job(settings: ModelSettings, job_id: str, fence: int) -> None:
    run_job(settings, job_handlers(settings), WORKER, job_id, fence)


if __name__ == "__main__":
    main()
