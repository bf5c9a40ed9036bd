"""A worker process that runs one import; the test kills it."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from shelfcast_data.adapters.sql.schema import JOBS
from shelfcast_data.application.bring_file import FileKeeper
from shelfcast_data.application.read_source import ReadSource
from shelfcast_data.application.receive_import import JOB_KIND
from shelfcast_data.bootstrap.worker import import_handler, source_handlers
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions
from shelfcast_servicekit.jobs.store import JobLedger


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database_url")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("job_id")
    parser.add_argument("chunk_bytes", type=int, nargs="?", default=1024)
    parser.add_argument("--hosts", default="")
    parser.add_argument("--source", default="")
    parser.add_argument("--die-at", choices=["keep", "mark"])
    told = parser.parse_args()
    settings = DataSettings(
        database_url=told.database_url,
        data_dir=told.data_dir,
        redis_url="redis://127.0.0.1:1/0",
        otel_exporter_otlp_endpoint="none",
        import_chunk_bytes=told.chunk_bytes,
        data_import_hosts=told.hosts,
        data_sources=dict([told.source.split("=", 1)]) if told.source else {},
    )
    engine = create_service_engine(told.database_url, pool_size=4, local_infile=True)
    handlers = {JOB_KIND: import_handler(settings, engine), **source_handlers(settings, engine)}
    if told.die_at == "keep":
        setattr(FileKeeper, "keep", die)  # noqa: B010 - this process is made to die there
    if told.die_at == "mark":
        setattr(ReadSource, "advance", die)  # noqa: B010 - this process is made to die there
    JobRunner(JobLedger(engine, JOBS), handlers, RunnerOptions("shelfcast_data", lease_seconds=1.0)).run(
        told.job_id
    )


if __name__ == "__main__":
    main()
