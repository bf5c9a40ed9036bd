"""What maintenance removes, and what it leaves alone, on both stores."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast.quality.v1 import quality_service_pb2
from shelfcast_data.bootstrap.archive import archive, archiver, unarchive
from shelfcast_data.bootstrap.maintenance import keep_maintained, maintain
from shelfcast_data.domain.archive import months_ago

from tests.integration.data.test_exports import export
from tests.integration.data.test_sales import HEADER, create
from tests.integration.data.test_snapshots import many_months, rows_of, snapshot, store_of

if TYPE_CHECKING:
    from pathlib import Path

    from shelfcast_data.bootstrap.maintenance import MaintenanceReport

    from tests.integration.data.conftest import Service

DAY_SECONDS = 86_400


async def round_of(service: Service, **settings: float) -> MaintenanceReport:
    return await asyncio.to_thread(maintain, service.settings.model_copy(update=settings))


def age(*paths: Path, days: float = 30) -> None:
    then = time.time() - days * DAY_SECONDS
    for path in paths:
        os.utime(path, (then, then))


def all_files(service: Service) -> list[Path]:
    return [path for path in store_of(service).rglob("*") if path.is_file()]


async def test_parts_that_no_snapshot_lists_are_removed(service: Service) -> None:
    await service.load(many_months(60))
    made = await snapshot(service)
    place = next(store_of(service).glob("snapshots/*"))
    orphans = [place / "part-0123.parquet", place / "snap-0123.json", place / ".0123.part"]
    for path in orphans:
        path.write_bytes(b"nobody's")
    young = place / "part-4567.parquet"
    young.write_bytes(b"being written")
    age(*(path for path in all_files(service) if path != young))

    report = await round_of(service)

    assert report.orphan_files == 3
    assert not any(path.exists() for path in orphans)
    assert young.exists()
    assert len(await rows_of(service, made)) == 120


async def test_files_of_months_that_came_back_are_removed(service: Service) -> None:
    await service.load(many_months(60))
    exported = await export(service, "sales.csv")
    await asyncio.to_thread(archive, service.settings, "acme", date(2017, 2, 1), 0.0)
    age(*all_files(service))

    kept = await round_of(service)
    await asyncio.to_thread(unarchive, service.settings, "acme", date(2017, 1, 1))
    removed = await round_of(service)

    assert (kept.orphan_files, removed.orphan_files) == (0, 1)
    assert await export(service, "sales.csv") == exported


def end_long_ago(service: Service, status: str | None = None) -> None:
    then = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S.000000")
    changed = "" if status is None else f", status = '{status}'"
    with service.worker_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE data_jobs SET completed_at = '{then}'{changed}")


async def test_files_of_imports_go_after_their_time(service: Service) -> None:
    job = await service.submit(HEADER + b"2017-02-02,s2,b,2.5,1.29,1,0\n")
    await service.jobs.CancelJob(
        job_service_pb2.CancelJobRequest(job_id=job.job_id), timeout=5, metadata=service.auth()
    )
    end_long_ago(service, "failed")

    early = await round_of(service, keep_import_files_days=60)
    late = await round_of(service, keep_import_files_days=7)
    again = await round_of(service, keep_import_files_days=7)

    assert (early.import_files, late.import_files, again.import_files) == (0, 1, 0)
    assert not list(store_of(service).glob("imports/*"))
    await service.jobs.RetryJob(
        job_service_pb2.RetryJobRequest(job_id=job.job_id), timeout=5, metadata=service.auth()
    )
    ended = await service.work(job.job_id)
    assert ended.status == job_pb2.JOB_STATUS_FAILED
    assert "no longer kept" in str(ended.error)


async def test_refused_rows_go_after_their_time(service: Service) -> None:
    made = await service.load(HEADER + b"2017-02-02,s2,b,2.5,1.29,1,0\n2017-02-02,s2,b,x,,,\n")
    end_long_ago(service)
    before = [path for path in all_files(service) if ".rejects" in str(path)]

    report = await round_of(service, keep_reject_files_days=7)

    assert before
    assert report.reject_files == 1
    assert not [path for path in all_files(service) if ".rejects" in str(path)]
    request = import_service_pb2.DownloadImportRejectsRequest(import_id=made.import_id)
    call = service.imports.DownloadImportRejects(request, timeout=5, metadata=service.auth())
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await anext(aiter(call))
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND


async def test_ended_jobs_go_and_imports_stay(service: Service) -> None:
    await service.load(HEADER + b"2017-02-02,s2,b,2.5,1.29,1,0\n")
    check = await service.quality.CreateQualityCheck(
        quality_service_pb2.CreateQualityCheckRequest(), timeout=5, metadata=service.auth()
    )
    await service.work(check.job_id)
    end_long_ago(service)

    report = await round_of(service, keep_jobs_days=7)

    assert report.jobs == 1
    assert service.rows("SELECT kind FROM data_jobs") == [("import",)]


async def test_nothing_goes_by_default(service: Service) -> None:
    await service.load(many_months(60) + b"2017-02-02,s2,b,x,,,\n")
    end_long_ago(service)
    age(*all_files(service))
    before = all_files(service)

    report = await round_of(service)

    assert (report.archived_months, report.import_files, report.reject_files, report.jobs) == (0, 0, 0, 0)
    assert all_files(service) == before


async def test_months_are_archived_when_they_are_old_enough(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = partial(archiver, grace_seconds=0.0)
    monkeypatch.setattr("shelfcast_data.bootstrap.maintenance.archiver", at_once)
    today = datetime.now(UTC).date()
    await create(service, date=months_ago(today, 3).isoformat())
    await create(service, date=today.isoformat())

    report = await round_of(service, archive_after_months=2)

    assert report.archived_months == 1
    assert service.rows("SELECT COUNT(*) FROM sales") == [(1,)]


async def test_the_command_runs_in_a_process_of_its_own(service: Service) -> None:
    environment = {
        "SHELFCAST_DATABASE_URL": service.settings.database_url,
        "SHELFCAST_DATA_DIR": str(service.settings.data_dir),
        "SHELFCAST_STORE_URL": service.settings.store_url,
    }
    command = [sys.executable, "-m", "shelfcast_data", "maintain"]

    ran = await asyncio.to_thread(subprocess.run, command, env=environment, check=False, capture_output=True)

    assert ran.returncode == 0, ran.stderr
    assert b'"orphan_files":0' in ran.stdout


async def test_a_round_ends_with_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfcast_data.bootstrap.maintenance.FIRST_PAUSE_SECONDS", 0.0)
    started: list[asyncio.subprocess.Process] = []
    begun = asyncio.Event()
    plain = asyncio.create_subprocess_exec

    async def sleeper(*_: str) -> asyncio.subprocess.Process:
        child = await plain(sys.executable, "-c", "import time; time.sleep(600)")
        started.append(child)
        begun.set()
        return child

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sleeper)
    rounds = asyncio.create_task(keep_maintained(24.0))
    await begun.wait()

    rounds.cancel()
    await asyncio.wait([rounds])

    assert started[0].returncode is not None
