"""Sources that are read on a schedule: once a time, whoever looks, and once for all missed times."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shelfcast.jobs.v1 import job_pb2
from shelfcast_data.entrypoints.schedule_loop import ScheduleLoop

from tests.integration.data import test_sources

if TYPE_CHECKING:
    from shelfcast_data.application.run_source import SourceRuns

    from tests.integration.data.conftest import Service
    from tests.integration.data.test_sources import Erp, Sources

PROCESS = Path(__file__).with_name("schedule_process.py")
erp, settings, sources = test_sources.erp, test_sources.settings, test_sources.sources


def miss(service: Service) -> None:
    """Let all times of schedules be long over."""
    with service.worker_engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE import_source_states SET next_run_at = '2026-01-01 00:00:00.000000'"
            " WHERE next_run_at IS NOT NULL"
        )


def jobs(service: Service) -> list[tuple[str, str]]:
    return [tuple(row) for row in service.rows("SELECT kind, submitted_by FROM data_jobs")]


@pytest.fixture
def runs(service: Service) -> SourceRuns:
    return service.parts.schedules.runs


async def test_a_time_that_is_not_there_yet_fires_nothing(
    service: Service, sources: Sources, runs: SourceRuns
) -> None:
    await sources.create("erp", every_minutes=10080)
    await sources.create("by hand")

    assert await runs.fire() == 0
    assert jobs(service) == []


async def test_missed_times_are_run_once(
    service: Service, sources: Sources, runs: SourceRuns, erp: Erp
) -> None:
    erp.sell(1, 1)
    await sources.create("erp", every_minutes=1, mark_column="id")
    miss(service)

    fired = [await runs.fire(), await runs.fire()]

    source = await sources.get("erp")
    assert fired == [1, 0]
    assert jobs(service) == [("import.table", "schedule:erp")]
    assert source.next_run_at.ToDatetime(UTC) > datetime.now(UTC).replace(second=0, microsecond=0)
    job = await service.work(source.last_job_id)
    assert (job.status, job.result["accepted_count"]) == (job_pb2.JOB_STATUS_COMPLETED, 1)


async def test_a_source_that_is_being_read_is_left_alone(
    service: Service, sources: Sources, runs: SourceRuns
) -> None:
    await sources.create("erp", every_minutes=1)
    await sources.ask("erp")
    miss(service)

    assert await runs.fire() == 0
    assert len(jobs(service)) == 1
    assert (await sources.get("erp")).next_run_at.ToDatetime().year > 2025


async def test_a_deleted_source_is_not_fired(service: Service, sources: Sources, runs: SourceRuns) -> None:
    await sources.create("erp", every_minutes=1)
    await sources.delete("erp")
    miss(service)

    assert await runs.fire() == 0


async def test_another_change_leaves_the_time_as_it_is(service: Service, sources: Sources) -> None:
    await sources.create("erp", daily_at="03:00", time_zone="Europe/Berlin")
    miss(service)

    kept = await sources.update("erp", mark_column="id")
    moved = await sources.update("erp", daily_at="04:00")

    assert kept.next_run_at.ToDatetime() == datetime(2026, 1, 1)  # noqa: DTZ001 - the message holds UTC
    assert moved.next_run_at.ToDatetime(UTC) > datetime.now(UTC)


async def test_two_processes_fire_each_source_once(service: Service, sources: Sources) -> None:
    names = [f"source {number}" for number in range(12)]
    for name in names:
        await sources.create(name, every_minutes=60)
    miss(service)

    counts = await asyncio.to_thread(fired_by_processes, service, 2)

    assert sum(counts) == len(names)
    assert sorted(jobs(service)) == sorted(("import.table", f"schedule:{name}") for name in names)


def fired_by_processes(service: Service, count: int) -> list[int]:
    """Let processes look at the same time; give how many sources each has fired."""
    told = [sys.executable, str(PROCESS), service.settings.database_url, str(service.settings.data_dir)]
    processes = [
        subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [int(process.communicate()[0]) for process in processes]


async def test_the_loop_of_the_service_fires(service: Service, sources: Sources, runs: SourceRuns) -> None:
    await sources.create("erp", every_minutes=60)
    miss(service)
    loop = asyncio.create_task(ScheduleLoop(runs, every_seconds=0.05).run())

    async with asyncio.timeout(60):
        while not jobs(service):
            await asyncio.sleep(0.05)

    loop.cancel()
    assert jobs(service) == [("import.table", "schedule:erp")]
