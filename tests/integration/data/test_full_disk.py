"""A disk that is full: uploads, imports, snapshots, and the files of SQLite and MariaDB."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pymysql
import pytest
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.bootstrap.database import migrate
from shelfcast_testing.mariadb_process import MariadbProcess

from tests.integration.data.conftest import serving
from tests.integration.data.test_bad_files import reason_of
from tests.integration.data.test_snapshots import snapshot

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service

DAYS = 28 * 336
MEBIBYTE = 1024 * 1024
HEADER = "date,shop_id,product_id,quantity\n"
VISIBLE = "SELECT COUNT(*) FROM data_versions WHERE row_count > 0"


@dataclass(frozen=True)
class Disk:
    """A file system of a few megabytes."""

    path: Path

    @property
    def free_bytes(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, left_bytes: int = 0) -> None:
        """Leave no more room than this."""
        wanted = self.free_bytes - left_bytes
        with (self.path / "filler").open("wb", buffering=0) as file, suppress(OSError):
            for _ in range(wanted // 4096):
                file.write(bytes(4096))

    def clear(self) -> None:
        """Give all the room back."""
        (self.path / "filler").unlink()

    def enlarge(self, mebibytes: int) -> None:
        """Let it be larger; what it holds stays."""
        subprocess.run(["mount", "-o", f"remount,size={mebibytes}m", self.path], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode()}")
    yield Disk(path)
    subprocess.run(["umount", "-l", path], check=True)


@pytest.fixture
def settings(settings: DataSettings, disk: Disk) -> DataSettings:
    """Keep the store on the small disk; the database lies elsewhere."""
    return settings.model_copy(update={"data_dir": disk.path, "store_url": str(disk.path / "store")})


def rows(count: int, product_id: str = "milk", quantity: str = "5") -> bytes:
    """Give a file with one row a day and shop."""
    days = [f"{2000 + n // 336}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in range(DAYS)]
    lines = [f"{days[n % DAYS]},s{n // DAYS},{product_id},{quantity}\n" for n in range(count)]
    return (HEADER + "".join(lines)).encode()


def files(disk: Disk) -> list[str]:
    return sorted(path.name for path in (disk.path / "store").rglob("*") if path.is_file())


async def refused(call: object) -> tuple[grpc.StatusCode, str]:
    """Give code and reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]  # whatever can be awaited
    return caught.value.code(), reason_of(caught.value)[0]


FULL = (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")


async def test_an_upload_that_does_not_fit_leaves_nothing_and_the_next_one_is_taken(
    service: Service, disk: Disk
) -> None:
    disk.fill(2 * MEBIBYTE)

    told = await refused(service.submit(rows(150_000)))
    left = files(disk)
    taken = await service.load(rows(50))

    assert told == FULL
    assert left == []
    assert taken.report.accepted_count == 50
    assert service.rows("SELECT COUNT(*) FROM imports") == [(1,)]


async def test_an_upload_onto_a_disk_without_any_room_is_refused(service: Service, disk: Disk) -> None:
    disk.fill()

    told = await refused(service.submit(rows(5000)))

    assert told == FULL
    assert files(disk) == []


async def test_an_import_without_room_for_its_reject_file_goes_on_when_there_is(
    service: Service, disk: Disk
) -> None:
    job = await service.submit(rows(500) + rows(500, "rye", "many").removeprefix(HEADER.encode()))
    disk.fill()

    stopped = await service.work(job.job_id)
    hidden = service.rows(VISIBLE)
    disk.clear()
    ended = await resumed(service, stopped)

    assert (stopped.status, stopped.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "STORAGE_FULL")
    assert hidden == [(0,)]
    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert (ended.result["accepted_count"], ended.result["rejected_count"]) == (500, 500)
    assert service.rows("SELECT COUNT(*) FROM sales") == [(500,)]


async def resumed(service: Service, job: job_pb2.Job) -> job_pb2.Job:
    """Run a job on that was stopped, as the sweeper or a person would."""
    if job.status == job_pb2.JOB_STATUS_FAILED:
        request = job_service_pb2.RetryJobRequest(job_id=job.job_id)
        await service.jobs.RetryJob(request, timeout=30, metadata=service.auth())
    service.change("UPDATE data_jobs SET run_after = submitted_at WHERE status = 'pending'")
    return await service.work(job.job_id)


async def test_a_snapshot_that_does_not_fit_leaves_nothing_and_can_be_made_later(
    service: Service, disk: Disk
) -> None:
    await service.load(rows(5000))
    before = files(disk)
    disk.fill()

    told = await refused(snapshot(service))
    left = files(disk)
    disk.clear()
    made = await snapshot(service)

    assert told == FULL
    assert left == before
    assert made.row_count == 5000


async def test_some_months_of_a_snapshot_that_do_not_fit_are_made_later(service: Service, disk: Disk) -> None:
    await service.load(rows(9000))
    disk.fill(256 * 1024)

    told = await refused(snapshot(service))
    listed = [name for name in files(disk) if name.startswith((".", "snap-"))]
    disk.clear()
    made = await snapshot(service)

    assert told == FULL
    assert listed == []
    assert made.row_count == 9000


@pytest.fixture
def server(disk: Disk, tmp_path: Path) -> Iterator[MariadbProcess]:
    """Give a MariaDB whose files lie on the small disk."""
    disk.enlarge(128)
    process = MariadbProcess(tmp_path, "--innodb-log-file-size=8M", data=disk.path / "mariadb")
    process.start()
    with closing(pymysql.connect(host="127.0.0.1", port=process.port, user="root")) as connection:
        connection.cursor().execute("CREATE DATABASE shelfcast")
    yield process
    process.kill()


@pytest.fixture
def cramped_url(disk: Disk, database_url: str, request: pytest.FixtureRequest) -> str:
    """Give a database on the small disk: a file of SQLite, or that of a MariaDB of its own."""
    if database_url.startswith("mysql"):
        process: MariadbProcess = request.getfixturevalue("server")
        return process.url("shelfcast")
    path = disk.path / "data.sqlite"
    path.write_bytes(request.getfixturevalue("migrated_file").read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def cramped_settings(disk: Disk, settings: DataSettings, cramped_url: str) -> DataSettings:
    """Keep the database on the small disk, and the store elsewhere."""
    store = str(disk.path.parent / "store")
    found = settings.model_copy(update={"database_url": cramped_url, "store_url": store})
    migrate(found)
    return found


@pytest.fixture
async def cramped(cramped_settings: DataSettings) -> AsyncIterator[Service]:
    key = await create_api_key(cramped_settings, "acme", "admin", "tests")
    async with serving(cramped_settings, key) as made:
        yield made


def sale(day: str) -> sale_service_pb2.CreateSaleRequest:
    return sale_service_pb2.CreateSaleRequest(
        sale=sale_pb2.Sale(shop_id="berlin", product_id="milk", date=day, quantity=3)
    )


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MYSQL = pytest.param("mysql", marks=pytest.mark.mysql)
only_mysql = pytest.mark.parametrize("database_url", [MYSQL], indirect=True)


@only_sqlite
async def test_an_import_that_fills_the_databases_disk_is_hidden_and_goes_on_when_there_is_room(
    cramped: Service, disk: Disk
) -> None:
    job = await cramped.submit(rows(60_000))
    disk.fill(512 * 1024)

    with suppress(Exception):  # whether its end can be stored depends on the last pages
        await cramped.work(job.job_id)
    hidden = cramped.rows(VISIBLE)
    history = await cramped.sales.ListSalesHistory(
        sale_service_pb2.ListSalesHistoryRequest(page_size=3), timeout=30, metadata=cramped.auth()
    )
    disk.clear()
    disk.enlarge(64)
    cramped.change("UPDATE data_jobs SET lease_until = submitted_at WHERE status = 'processing'")
    await cramped.parts.sweeper._store.sweep(60.0)
    request = job_service_pb2.GetJobRequest(job_id=job.job_id)
    stopped = await cramped.jobs.GetJob(request, timeout=30, metadata=cramped.auth())
    ended = await resumed(cramped, stopped)

    assert hidden == [(0,)]
    assert list(history.sales) == []
    assert stopped.status in {job_pb2.JOB_STATUS_PENDING, job_pb2.JOB_STATUS_FAILED}
    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.result["accepted_count"] == 60_000
    assert cramped.rows("SELECT COUNT(*) FROM sales") == [(60_000,)]


@pytest.mark.slow
@only_mysql
async def test_an_import_that_fills_the_servers_disk_is_hidden_and_goes_on_when_there_is_room(
    cramped: Service, disk: Disk, server: MariadbProcess
) -> None:
    job = await cramped.submit(rows(20_000))
    disk.fill(128 * 1024)

    with suppress(Exception):  # a server without room even to roll back ends itself
        await cramped.work(job.job_id)
    disk.clear()
    server.kill()
    await asyncio.to_thread(server.start)
    hidden = cramped.rows(VISIBLE)
    loaded = cramped.rows("SELECT COUNT(*) FROM sales")[0][0]
    cramped.change("UPDATE data_jobs SET lease_until = submitted_at WHERE status = 'processing'")
    await cramped.parts.sweeper._store.sweep(60.0)
    request = job_service_pb2.GetJobRequest(job_id=job.job_id)
    stopped = await cramped.jobs.GetJob(request, timeout=30, metadata=cramped.auth())
    ended = await resumed(cramped, stopped)

    assert hidden == [(0,)]
    assert 0 < loaded < 20_000
    assert stopped.status in {job_pb2.JOB_STATUS_PENDING, job_pb2.JOB_STATUS_FAILED}
    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.result["accepted_count"] == 20_000
    assert cramped.rows("SELECT COUNT(*), SUM(quantity) FROM sales") == [(20_000, 100_000)]


@only_mysql
async def test_a_sale_without_room_on_the_servers_disk_is_refused_whole_and_taken_later(
    cramped: Service, disk: Disk
) -> None:
    call: dict[str, Any] = {"timeout": 30, "metadata": cramped.auth()}
    disk.fill()
    told, stored = None, 0
    for n in range(4000):  # the files of the tables have room for some
        try:
            await cramped.sales.CreateSale(sale((date(2020, 1, 1) + timedelta(n)).isoformat()), **call)
            stored += 1
        except grpc.aio.AioRpcError as error:
            told = error.code(), reason_of(error)[0]
            break

    kept = [cramped.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in ("sales", "data_versions")]
    history = sale_service_pb2.ListSalesHistoryRequest(page_size=3)
    read = await cramped.sales.ListSalesHistory(history, **call)
    disk.clear()
    after = await cramped.sales.CreateSale(sale("2019-12-31"), **call)

    assert told == FULL
    assert kept == [stored, stored]
    assert len(read.sales) == 3
    assert after.sale_id
    assert cramped.rows("SELECT COUNT(*) FROM sales") == [(stored + 1,)]


@only_sqlite
async def test_a_write_without_room_is_refused_by_its_reason_while_reads_go_on(
    cramped: Service, disk: Disk
) -> None:
    call: dict[str, Any] = {"timeout": 30, "metadata": cramped.auth()}
    await cramped.sales.CreateSale(sale("2026-01-01"), **call)
    disk.fill()
    told, stored = None, 1
    for n in range(200):  # the last pages of the write-ahead log may have room for some
        try:
            await cramped.sales.CreateSale(sale(f"2025-{1 + n // 28:02d}-{1 + n % 28:02d}"), **call)
            stored += 1
        except grpc.aio.AioRpcError as error:
            told = error.code(), reason_of(error)[0]
            break

    upload = await refused(cramped.submit(rows(50)))
    history = sale_service_pb2.ListSalesHistoryRequest(start="2026-01-01")
    read = await cramped.sales.ListSalesHistory(history, **call)
    disk.clear()
    after = await cramped.sales.CreateSale(sale("2026-01-02"), **call)

    assert (told, upload) == (FULL, FULL)
    assert [each.quantity for each in read.sales] == [3]
    assert after.sale_id
    assert cramped.rows("SELECT COUNT(*) FROM sales") == [(stored + 1,)]
    assert files(Disk(disk.path.parent)) == []
