"""Reject files: refused rows that come back as they were sent, to be mended and sent again."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast_data.adapters.sql.imports import ImportRows
from shelfcast_data.application.receive_import import JOB_KIND
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.bootstrap.worker import import_handler
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions

if TYPE_CHECKING:
    from shelfcast_data.domain.import_record import ImportProgress

    from tests.integration.data.conftest import Service

WORKER = Path(__file__).with_name("import_worker.py")
HEADER = b"date;store;item;note;sales\n"
BAD = (
    b'2017-01-01;1;1;"a;b";5\n'
    b"2017-02-30;1;1;;x\n"
    b"2017-01-02;1;1;\xe4;5\n"
    b"2017-01-03;1;1\n"
    b"2017-01-01;1;1;again;6\n"
)
REFUSED = (
    b"date;store;item;note;sales;refused_because\n"
    b"2017-02-30;1;1;;x;date.calendar quantity.number\n"
    b"2017-01-02;1;1;\xe4;5;row.encoding\n"
    b"2017-01-03;1;1;row.columns\n"
    b"2017-01-01;1;1;again;6;row.duplicate\n"
)


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WORKER), *arguments])


async def rejects(service: Service, import_id: str, key: str | None = None) -> bytes:
    request = import_service_pb2.DownloadImportRejectsRequest(import_id=import_id)
    call = service.imports.DownloadImportRejects(request, timeout=30, metadata=service.auth(key))
    return b"".join([message.data async for message in call])


def many(count: int) -> bytes:
    """Give rows of which each third one is refused, and each day stands twice at the end."""
    days = [f"{2000 + n // 336}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in range(count)]
    rows = [f"{day};1;1;;{'x' if n % 3 == 0 else n}\n" for n, day in enumerate(days)]
    return HEADER + "".join([*rows, *rows[1::3]]).encode()


async def test_refused_rows_come_back_as_they_were_sent(service: Service) -> None:
    done = await service.load(HEADER + BAD)

    assert done.report.rejected_count == 4
    assert await rejects(service, done.import_id) == REFUSED
    assert not done.is_reject_file_cut


async def test_a_mended_reject_file_is_taken(service: Service) -> None:
    done = await service.load(HEADER + BAD)
    sent = await rejects(service, done.import_id)
    mended = sent.replace(b"2017-02-30;1;1;;x", b"2017-02-28;1;1;;3").replace(b"\xe4", b"e")
    mended = mended.replace(b"03;1;1;", b"03;1;1;;4;").replace(b"2017-01-01;", b"2017-01-05;")

    again = await service.load(mended)

    assert (again.report.accepted_count, again.report.rejected_count) == (4, 0)


async def test_all_forms_give_a_reject_file(service: Service) -> None:
    text = b'{"date":"2017-01-01","store":"1","item":"1","sales":"x"}\n'

    done = await service.load(gzip.compress(text))

    assert await rejects(service, done.import_id) == (
        b"date,store,item,sales,refused_because\n2017-01-01,1,1,x,quantity.number\n"
    )


async def test_the_same_file_again_gives_the_same_reject_file(service: Service) -> None:
    await service.load(HEADER + BAD)

    again = await service.load(HEADER + BAD)

    assert again.repeated_import_id
    assert await rejects(service, again.import_id) == REFUSED


async def test_a_file_without_refused_rows_has_none(service: Service) -> None:
    done = await service.load(HEADER + b"2017-01-01;1;1;;5\n")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rejects(service, done.import_id)

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "no row that could be mended" in (caught.value.details() or "")


async def test_another_tenants_reject_file_is_not_there(service: Service) -> None:
    other_key = await create_api_key(service.settings, "other", "admin", "tests")
    done = await service.load(HEADER + BAD)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rejects(service, done.import_id, other_key)

    assert "There is no import" in (caught.value.details() or "")


async def test_a_reject_file_has_a_largest_size(service: Service) -> None:
    settings = service.settings.model_copy(update={"import_max_reject_bytes": 200})
    handlers = {JOB_KIND: import_handler(settings, service.worker_engine)}
    service.runner = JobRunner(service.ledger, handlers, RunnerOptions("shelfcast_data"))

    done = await service.load(many(300))

    kept = await rejects(service, done.import_id)
    assert done.is_reject_file_cut
    assert 0 < len(kept) - kept.index(b"\n") - 1 <= 200
    assert kept.endswith(b"quantity.number\n")


async def test_a_dry_run_gives_a_reject_file(service: Service) -> None:
    done = await service.load(HEADER + BAD, dry_run=True)

    assert await rejects(service, done.import_id) == REFUSED


async def test_a_file_that_is_refused_later_leaves_no_part_behind(service: Service) -> None:
    most = b"2017-01-01;1;1;;999999999999\n"
    job = await service.submit(many(300) + 2 * most, same_day="SAME_DAY_SUM")
    ended = await service.work(job.job_id)

    store = service.settings.data_dir / "store"
    assert ended.status == job_pb2.JOB_STATUS_FAILED
    assert "1,000,000,000,000 units" in str(ended.error["detail"])
    assert list(store.rglob("*.rejects")) == []
    for table in ("staged_sales", "sales", "series", "import_rejects"):
        assert service.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]


async def test_a_killed_worker_loses_and_doubles_no_refused_row(service: Service) -> None:
    whole = await service.load(many(3000), dry_run=True)
    expected = await rejects(service, whole.import_id)
    job = await service.submit(many(3000))
    arguments = [service.settings.database_url, str(service.settings.data_dir), job.job_id]
    query = f"SELECT done_row FROM imports WHERE import_id = '{job.job_id}'"
    process = start(arguments)
    while service.rows(query)[0][0] < 1000:
        assert process.poll() is None
        await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    await asyncio.sleep(1.2)

    ended = await service.work(job.job_id)

    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert expected.count(b"\n") == 2001
    assert await rejects(service, job.job_id) == expected


async def test_a_part_that_was_never_committed_is_written_anew(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await service.load(many(300), dry_run=True)
    job = await service.submit(many(300))
    save = ImportRows.save_progress

    def failing(rows: ImportRows, import_id: str, progress: ImportProgress) -> None:
        if progress.offset > 3000:
            raise RuntimeError("the commit does not come")
        save(rows, import_id, progress)

    monkeypatch.setattr(ImportRows, "save_progress", failing)
    failed = await service.work(job.job_id)
    before = await rejects(service, job.job_id)
    committed = await service.imports.GetImport(
        import_service_pb2.GetImportRequest(import_id=job.job_id), timeout=30, metadata=service.auth()
    )
    monkeypatch.undo()
    await service.jobs.RetryJob(
        job_service_pb2.RetryJobRequest(job_id=job.job_id), timeout=30, metadata=service.auth()
    )
    ended = await service.work(job.job_id)

    after = await rejects(service, job.job_id)
    parts = len(list((service.settings.data_dir / "store").rglob("*.rejects/0*")))
    assert (failed.status, ended.status) == (job_pb2.JOB_STATUS_FAILED, job_pb2.JOB_STATUS_COMPLETED)
    assert after == await rejects(service, whole.import_id)
    assert after.startswith(before)
    assert before.count(b"\n") - 1 == committed.report.rejected_count < after.count(b"\n") - 1
    assert parts > 2


async def test_a_worker_that_dies_after_a_dry_run_refuses_nothing_twice(service: Service) -> None:
    job = await service.submit(HEADER + BAD, dry_run=True)
    lost = service.ledger.claim(job.job_id, 0.05)
    assert lost is not None
    handler = import_handler(service.settings, service.worker_engine)
    await asyncio.to_thread(handler.run, JobContext(lost, service.ledger, JobSignals()))
    await asyncio.sleep(0.2)

    ended = await service.work(job.job_id)

    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.result["rejected_count"] == 4
    assert await rejects(service, job.job_id) == REFUSED
