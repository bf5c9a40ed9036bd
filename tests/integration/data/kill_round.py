"""What a round of random kills needs: a large file, what must come of it, and a look at what did.

`SHELFCAST_TEST_KILL_ROWS` and `SHELFCAST_TEST_KILL_ROUNDS` make the rounds longer and more.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

ROWS = int(os.environ.get("SHELFCAST_TEST_KILL_ROWS", "60000"))  # noqa: TID251 - tests have no settings
ROUNDS = int(os.environ.get("SHELFCAST_TEST_KILL_ROUNDS", "3"))  # noqa: TID251 - tests have no settings
CHUNK_BYTES = max(1024, ROWS * 20 // 60)
"""So that a file has some sixty chunks, whatever its length."""
SECONDS = 120 + ROUNDS * (60 + ROWS // 2000)
WORKER = Path(__file__).with_name("import_worker.py")
LEASE_SECONDS = 1.2
HEADER = "date,store,item,sales\n"
STORED = """
SELECT s.sale_date, r.shop_id, r.product_id, s.quantity FROM sales s JOIN series r USING (series_no)
JOIN tenants t ON t.tenant_no = s.tenant_no WHERE t.tenant = '{tenant}'
"""
Row = tuple[str, str, str, int]


@dataclass(frozen=True)
class Plan:
    """One import that is going to be disturbed."""

    tenant: str
    chance: random.Random
    is_summed: bool

    def rows(self) -> list[Row]:
        """Give the days that the file tells of."""
        series = max(1, ROWS // 1000)
        return [
            (
                f"{2000 + n // 336}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}",
                f"s{each % 7}",
                f"p{each}",
                n + each,
            )
            for each in range(series)
            for n in range(ROWS // series)
        ]

    def lines(self) -> list[str]:
        """Give the lines of the file, each fiftieth of them bad; receipts tell a day in two far places."""
        rows = self.rows()
        if not self.is_summed:
            return [_line(row, place) for place, row in enumerate(rows)]
        first = [_line((*row[:3], row[3] - 3), place) for place, row in enumerate(rows)]
        second = [_line((*row[:3], 3), place + 1) for place, row in enumerate(rows)]
        return first + second

    def content(self) -> bytes:
        """Give the file."""
        return (HEADER + "".join(self.lines())).encode()

    def expected(self) -> set[Row]:
        """Give the days that must be stored."""
        days: dict[tuple[str, str, str], int] = {}
        for line in self.lines():
            day, shop, item, quantity = line.strip().split(",")
            if quantity != "x":
                days[day, shop, item] = days.get((day, shop, item), 0) + int(quantity)
        return {(*key, quantity) for key, quantity in days.items()}

    def refused(self) -> bytes:
        """Give the reject file that must come of it."""
        bad = [line.strip() + ",quantity.number\n" for line in self.lines() if line.endswith(",x\n")]
        return ("date,store,item,sales,refused_because\n" + "".join(bad)).encode()


def _day(number: int) -> str:
    return f"{2000 + number // 336}-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"


def _line(row: Row, place: int) -> str:
    day, shop, item, quantity = row
    return f"{day},{shop},{item},{'x' if place % 50 == 0 else quantity}\n"


def plan_of(turn: int) -> Plan:
    """Give the plan of a round; receipts and files of days take turns."""
    return Plan(f"round-{turn}", random.Random(turn), turn % 2 == 1)


@dataclass
class Round:
    """One import under way."""

    service: Service
    plan: Plan
    key: str
    job_id: str

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker process for the import."""
        settings = self.service.settings
        arguments = [settings.database_url, str(settings.data_dir), self.job_id, str(CHUNK_BYTES)]
        return subprocess.Popen([sys.executable, str(WORKER), *arguments], stderr=subprocess.DEVNULL)

    async def until_random_moment(self, process: subprocess.Popen[bytes]) -> int:
        """Wait until a random part of the file is done, or of the adding up; give the rows done."""
        row_count = len(self.plan.lines())
        wanted = min(int(self.plan.chance.random() * 1.2 * row_count), row_count)
        query = f"SELECT done_row FROM imports WHERE import_id = '{self.job_id}'"
        while process.poll() is None:
            done = int(self.service.rows(query)[0][0])
            if done >= wanted:
                await asyncio.sleep(self.plan.chance.random() * 0.2)
                return done
            await asyncio.sleep(0.005)
        return -1

    async def to_its_end(self) -> job_pb2.Job:
        """Run the import until it has ended, as the workers that are left would."""
        async with asyncio.timeout(120):
            while True:
                await asyncio.to_thread(self.service.runner.run, self.job_id)
                job = await self.service.jobs.GetJob(
                    job_service_pb2.GetJobRequest(job_id=self.job_id),
                    timeout=30,
                    metadata=self.service.auth(self.key),
                )
                if job.status not in {job_pb2.JOB_STATUS_PENDING, job_pb2.JOB_STATUS_PROCESSING}:
                    return job
                await asyncio.sleep(0.3)

    async def assert_whole(self, job: job_pb2.Job) -> None:
        """Check that table, counts and reject file equal the file that was sent."""
        plan = self.plan
        refused = plan.refused()
        bad_count = refused.count(b"\n") - 1
        assert job.status == job_pb2.JOB_STATUS_COMPLETED, job
        assert job.result["accepted_count"] == len(plan.lines()) - bad_count
        assert job.result["rejected_count"] == bad_count
        scale = self.service.quantity_scale
        stored = [
            (str(day), shop, item, int(quantity) // scale)
            for day, shop, item, quantity in self.service.rows(STORED.format(tenant=plan.tenant))
        ]
        assert len(stored) == len(set(stored))
        assert set(stored) == plan.expected()
        request = import_service_pb2.DownloadImportRejectsRequest(import_id=self.job_id)
        call = self.service.imports.DownloadImportRejects(
            request, timeout=60, metadata=self.service.auth(self.key)
        )
        assert b"".join([piece.data async for piece in call]) == refused
        assert self.service.rows("SELECT COUNT(*) FROM staged_sales") == [(0,)]


async def begun(service: Service, turn: int) -> Round:
    """Hand in the file of a round under a tenant of its own."""
    plan = plan_of(turn)
    key = await create_api_key(service.settings, plan.tenant, "admin", "tests")
    same_day = "SAME_DAY_SUM" if plan.is_summed else "SAME_DAY_REFUSE"
    job = await service.submit(plan.content(), key=key, same_day=same_day)
    return Round(service, plan, key, job.job_id)
