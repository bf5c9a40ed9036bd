"""Till receipts: many rows for one shop, product and day, added up."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shelfcast.jobs.v1 import job_pb2

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service


WORKER = Path(__file__).with_name("import_worker.py")
HEADER = "date,store,item,sales,price,promo,available\n"
SUM = {"same_day": "SAME_DAY_SUM"}
Day = tuple[str, str, str]
STORED = """
SELECT s.sale_date, r.shop_id, r.product_id, s.quantity, s.unit_price,
    s.is_promotion, s.was_available, s.is_return
FROM sales s JOIN series r USING (series_no) ORDER BY 1, 2, 3, s.load_no
"""


def stored(service: Service) -> list[tuple[object, ...]]:
    """Give all stored rows, decimals as numbers."""

    def number(value: object) -> float | None:
        return None if value is None else float(Decimal(str(value)) / service.quantity_scale)

    return [
        (str(day), shop, item, number(quantity), number(price), *flags)
        for day, shop, item, quantity, price, *flags in service.rows(STORED)
    ]


async def test_receipts_become_days(service: Service) -> None:
    text = (
        "2017-01-01,1,1,2,3.00,0,1\n"
        "2017-01-01,1,2,5,,,\n"
        "2017-01-01,1,1,-1,9.00,,1\n"
        "2017-01-02,1,1,-4,2.00,0,\n"
        "2017-01-01,1,1,1,6.00,1,0\n"
    )

    done = await service.load((HEADER + text).encode(), **SUM)

    assert (done.report.accepted_count, done.report.rejected_count, done.report.repeated_count) == (5, 0, 0)
    assert stored(service) == [
        ("2017-01-01", "1", "1", 2.0, 4.0, 1, 0, 0),
        ("2017-01-01", "1", "2", 5.0, None, None, None, 0),
        ("2017-01-02", "1", "1", -4.0, 2.0, 0, None, 1),
    ]
    assert service.rows("SELECT row_count FROM data_versions") == [(3,)]
    assert service.rows("SELECT COUNT(*) FROM staged_sales") == [(0,)]


async def test_a_negative_quantity_that_is_said_to_be_no_return_is_refused(service: Service) -> None:
    text = "date,store,item,sales,is_return\n2017-01-01,1,1,-2,0\n2017-01-01,1,1,-2,\n2017-01-01,1,1,-2,1\n"

    done = await service.load(text.encode(), **SUM)

    assert [each.rule for each in done.report.rejections] == ["quantity.negative"]
    assert [row[3] for row in stored(service)] == [-4.0]


async def test_a_file_with_one_row_a_day_is_read_alike(service: Service) -> None:
    rows = [f"2017-01-{1 + n % 28:02d},{n // 28},1,{n},{n % 7},{n % 2},{(n + 1) % 2}\n" for n in range(84)]
    content = (HEADER + "".join(rows)).encode()
    await service.load(content)
    before = stored(service)

    again = await service.load(content, **SUM)

    assert (again.report.accepted_count, again.report.repeated_count) == (0, 84)
    assert again.repeated_import_id == ""
    assert stored(service) == before
    assert service.rows("SELECT COUNT(*) FROM data_versions") == [(1,)]


async def test_rows_of_a_day_that_is_stored_alike_are_repeated(service: Service) -> None:
    await service.load((HEADER + "2017-01-01,1,1,5,1,0,1\n").encode())

    done = await service.load(
        (HEADER + "2017-01-01,1,1,2,1,0,1\n2017-01-02,1,1,1,1,0,1\n2017-01-01,1,1,3,1,0,1\n").encode(), **SUM
    )

    assert (done.report.accepted_count, done.report.repeated_count) == (1, 2)
    assert service.rows("SELECT row_count FROM data_versions ORDER BY number") == [(1,), (1,)]


async def test_a_dry_run_tells_and_stores_nothing(service: Service) -> None:
    done = await service.load((HEADER + "2017-01-01,1,1,2,1,0,1\n" * 3).encode(), dry_run=True, **SUM)

    assert done.report.accepted_count == 3
    for table in ("sales", "staged_sales", "series", "data_versions"):
        assert service.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]


def receipts(count: int) -> tuple[bytes, dict[Day, tuple[int, Decimal, Decimal]]]:
    """Give receipts whose days are spread over the file, and quantity, revenue and sold units of each day."""
    chance = random.Random(7)
    days: dict[Day, tuple[int, Decimal, Decimal]] = defaultdict(lambda: (0, Decimal(0), Decimal(0)))
    rows = []
    for _ in range(count):
        day = f"2017-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        shop, item = str(chance.randint(1, 2)), str(chance.randint(1, 3))
        quantity, price = chance.randint(-2, 9), Decimal(chance.randint(0, 400)) / 4
        rows.append(f"{day},{shop},{item},{quantity},{price},,\n")
        total, revenue, sold = days[day, shop, item]
        taken = max(quantity, 0)
        days[day, shop, item] = (total + quantity, revenue + taken * price, sold + taken)
    return (HEADER + "".join(rows)).encode(), days


def assert_added_up(service: Service, days: dict[Day, tuple[int, Decimal, Decimal]]) -> None:
    found = {tuple(row[:3]): row for row in stored(service)}
    assert set(found) == set(days)
    for key, (total, revenue, sold) in days.items():
        assert found[key][3] == total
        assert found[key][7] == int(total < 0)
        if sold:
            assert found[key][4] == pytest.approx(float(revenue / sold), abs=6e-7)


async def test_days_are_right_wherever_chunks_end(service: Service) -> None:
    content, days = receipts(3000)

    done = await service.load(content, **SUM)

    assert len(content) > 20 * service.settings.import_chunk_bytes
    assert done.report.accepted_count == 3000
    assert_added_up(service, days)


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WORKER), *arguments])


@pytest.mark.parametrize("done", ["half of the file", "half of the days"])
async def test_a_killed_worker_adds_nothing_twice(service: Service, done: str) -> None:
    content, days = receipts(4000)
    job = await service.submit(content, same_day="SAME_DAY_SUM")
    reached = (
        "SELECT done_row >= 2000 FROM imports"
        if done == "half of the file"
        else "SELECT COUNT(*) >= 900 FROM sales"
    )
    process = start([service.settings.database_url, str(service.settings.data_dir), job.job_id])
    while not service.rows(reached)[0][0]:
        assert process.poll() is None
        await asyncio.sleep(0.01)
    process.kill()
    process.wait()
    waiting = service.rows("SELECT COUNT(*) FROM staged_sales")[0][0]
    await asyncio.sleep(1.2)

    ended = await service.work(job.job_id)

    assert waiting > 0
    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.result["accepted_count"] == 4000
    assert_added_up(service, days)
    assert service.rows("SELECT COUNT(*) FROM staged_sales") == [(0,)]


async def test_hours_out_of_stock_say_whether_a_product_was_available(service: Service) -> None:
    text = (
        "date,store,item,sales,stock_out_hours,in_stock\n"
        "2017-01-01,1,1,1,0,1\n2017-01-02,1,1,1,0.5,1\n2017-01-03,1,1,1,0,0\n2017-01-04,1,1,1,,\n"
        "2017-01-05,1,1,1,,1\n2017-01-06,1,1,1,25,1\n2017-01-07,1,1,1,-1,1\n2017-01-08,1,1,1,x,1\n"
    )

    done = await service.load(text.encode())

    assert [row[6] for row in stored(service)] == [1, 0, 0, None, 1]
    assert [each.rule for each in done.report.rejections] == [
        "stock_out_hours.range",
        "stock_out_hours.range",
        "stock_out_hours.number",
    ]


async def test_the_hours_out_of_stock_of_a_day_are_those_of_any_row(service: Service) -> None:
    text = "date,store,item,sales,stock_out_hours\n2017-01-01,1,1,1,0\n2017-01-01,1,1,1,3\n"

    await service.load(text.encode(), **SUM)

    assert [row[6] for row in stored(service)] == [0]
