"""Imports that lose their worker, their lease, or the wish for them."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.application.receive_import import JOB_KIND
from shelfcast_data.bootstrap.worker import import_handler
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from shelfcast_servicekit.jobs.errors import JobCancelled, JobLeaseLost

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

WORKER = Path(__file__).with_name("import_worker.py")
ROWS = 6000


def content() -> bytes:
    days = [f"{2010 + n // 336}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in range(ROWS // 6)]
    rows = [
        f"{day},s{shop},p{product},{n}\n"
        for shop in (1, 2)
        for product in (1, 2, 3)
        for n, day in enumerate(days)
    ]
    return ("date,store,item,sales\n" + "".join(rows)).encode()


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WORKER), *arguments])


def loaded(service: Service) -> int:
    return int(str(service.rows("SELECT done_row FROM imports")[0][0]))


async def test_a_killed_worker_loses_and_doubles_nothing(service: Service) -> None:
    job = await service.submit(content())
    arguments = [service.settings.database_url, str(service.settings.data_dir), job.job_id]
    process = start(arguments)
    while loaded(service) < ROWS // 10:
        assert process.poll() is None
        await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    before = loaded(service)
    hidden = await service.sales.ListSalesHistory(
        sale_service_pb2.ListSalesHistoryRequest(), timeout=30, metadata=service.auth()
    )
    await asyncio.sleep(1.2)

    ended = await service.work(job.job_id)

    assert 0 < before < ROWS
    assert list(hidden.sales) == []
    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.attempt == 2
    assert ended.result["accepted_count"] == ROWS
    expected = {tuple(line.split(",")) for line in content().decode().splitlines()[1:]}
    stored = service.rows(
        "SELECT s.sale_date, r.shop_id, r.product_id, s.quantity FROM sales s JOIN series r USING (series_no)"
    )
    scale = 1_000_000 if "sqlite" in service.settings.database_url else 1
    assert {
        (str(day), shop, item, str(int(quantity) // scale)) for day, shop, item, quantity in stored
    } == expected
    assert len(stored) == ROWS


async def test_a_worker_without_its_lease_changes_nothing(service: Service) -> None:
    job = await service.submit(content())
    stale = service.ledger.claim(job.job_id, 0.01)
    await asyncio.sleep(0.1)
    assert stale is not None
    assert service.ledger.claim(job.job_id, 30.0) is not None
    handler = import_handler(service.settings, service.worker_engine)

    with pytest.raises(JobLeaseLost):
        await asyncio.to_thread(handler.run, JobContext(stale, service.ledger, JobSignals()))

    assert service.rows("SELECT COUNT(*) FROM sales") == [(0,)]
    assert loaded(service) == 0


async def test_a_worker_that_dies_after_its_last_commit_is_made_good(service: Service) -> None:
    job = await service.submit(content())
    lost = service.ledger.claim(job.job_id, 0.05)
    assert lost is not None
    handler = import_handler(service.settings, service.worker_engine)
    await asyncio.to_thread(handler.run, JobContext(lost, service.ledger, JobSignals()))
    await asyncio.sleep(0.2)

    ended = await service.work(job.job_id)

    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.result["accepted_count"] == ROWS
    assert ended.result["data_version"] == "dv-1"
    assert service.rows("SELECT COUNT(*) FROM data_versions") == [(1,)]


async def test_a_cancelled_import_leaves_nothing(service: Service) -> None:
    job = await service.submit(content())
    running = service.ledger.claim(job.job_id, 30.0)
    assert running is not None
    signals = JobSignals()
    handler = import_handler(service.settings, service.worker_engine)
    service.runner._handlers = {JOB_KIND: handler}
    failures: list[JobCancelled] = []

    def run() -> None:
        try:
            handler.run(JobContext(running, service.ledger, signals))
        except JobCancelled as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not loaded(service):
        await asyncio.sleep(0.01)
    signals.cancelled.set()
    await asyncio.to_thread(thread.join)

    assert [type(each).__name__ for each in failures] == ["JobCancelled"]
    for table in ("sales", "series", "products", "data_versions"):
        assert service.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]


async def test_a_sale_recorded_during_an_import_is_seen_and_the_import_is_seen_after_it(
    service: Service,
) -> None:
    job = await service.submit(content())
    arguments = [service.settings.database_url, str(service.settings.data_dir), job.job_id]
    process = start(arguments)
    while loaded(service) < ROWS // 10:
        await asyncio.sleep(0.02)
    sale = sale_pb2.Sale(shop_id="s1", product_id="p1", date="2010-01-01", quantity=99)
    request = sale_service_pb2.CreateSaleRequest(sale=sale)
    await service.sales.CreateSale(request, timeout=30, metadata=service.auth())
    during = await service.sales.ListSalesHistory(
        sale_service_pb2.ListSalesHistoryRequest(page_size=1000), timeout=30, metadata=service.auth()
    )
    await asyncio.to_thread(process.wait)
    after = await service.sales.ListSalesHistory(
        sale_service_pb2.ListSalesHistoryRequest(page_size=3), timeout=30, metadata=service.auth()
    )

    assert [each.quantity for each in during.sales] == [99]
    assert [each.quantity for each in after.sales] == [99, 1, 2]
    assert service.rows("SELECT number FROM data_versions ORDER BY number") == [(2,), (3,)]


async def test_the_same_idempotency_key_gives_the_same_job(service: Service) -> None:
    key = (("idempotency-key", "k1"),)

    first = await service.submit(content(), metadata=key)
    second = await service.submit(content(), metadata=key)

    assert first.job_id == second.job_id
    assert service.rows("SELECT COUNT(*) FROM imports") == [(1,)]
    left = list((service.settings.data_dir / "store" / "imports").iterdir())
    assert len(left) == 1


async def test_an_upload_that_breaks_off_leaves_nothing(service: Service) -> None:
    async def messages() -> AsyncIterator[import_service_pb2.CreateImportRequest]:
        yield import_service_pb2.CreateImportRequest(data=b"date,store,item,sales\n2017-01-01,1,1,5\n")
        raise RuntimeError("the client is gone")

    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever the client's library makes of it
        await service.imports.CreateImport(messages(), timeout=30, metadata=service.auth())
    await asyncio.sleep(0.5)

    store = service.settings.data_dir / "store"
    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert service.rows("SELECT COUNT(*) FROM imports") == [(0,)]


async def test_a_full_disk_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Folder.create

    def full(self: Folder, path: str) -> object:
        file = real(self, path)

        class Full:
            def write(self, data: bytes) -> int:
                raise OSError(errno.ENOSPC, "no space left")

            def close(self) -> None:
                file.close()

        return Full()

    monkeypatch.setattr(Folder, "create", full)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(content())

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "no room" in (caught.value.details() or "")
    assert [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()] == []


async def test_a_job_can_be_read_watched_and_listed(service: Service) -> None:
    job = await service.submit(content())
    await service.work(job.job_id)

    watched = [
        each
        async for each in service.jobs.WatchJob(
            job_service_pb2.WatchJobRequest(job_id=job.job_id), timeout=30, metadata=service.auth()
        )
    ]
    listed = await service.jobs.ListJobs(
        job_service_pb2.ListJobsRequest(), timeout=30, metadata=service.auth()
    )
    imports = await service.imports.ListImports(
        import_service_pb2.ListImportsRequest(), timeout=30, metadata=service.auth()
    )

    assert watched[-1].status == job_pb2.JOB_STATUS_COMPLETED
    assert [each.job_id for each in listed.jobs] == [job.job_id]
    assert [each.import_id for each in imports.imports] == [job.job_id]
