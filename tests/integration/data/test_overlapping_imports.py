"""Imports that tell of the same days at the same time end as if one had come after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast.sales.v1 import sale_service_pb2
from shelfcast_data.bootstrap.worker import import_handler
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from shelfcast_servicekit.jobs.errors import JobHandedBack

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

DAYS = 240
State = list[tuple[float, float | None]]


def file_of(quantity: int, days: range, price: float | None = None) -> bytes:
    """Give a file of one series; without a price it has no such column."""
    head = "date,shop_id,product_id,quantity" + ("" if price is None else ",unit_price")
    tail = "" if price is None else f",{price}"
    lines = [f"{2020 + n // 336}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in days]
    return "\n".join([head, *(f"{day},berlin,milk,{quantity}{tail}" for day in lines)]).encode()


BEFORE = file_of(5, range(DAYS), 1.0)
ONE = file_of(5, range(DAYS // 2)) + b"\n" + file_of(9, range(DAYS // 2, DAYS)).partition(b"\n")[2]
OTHER = file_of(7, range(40, DAYS), 2.0)


async def state(service: Service) -> State:
    request = sale_service_pb2.ListSalesHistoryRequest(page_size=1000)
    reply = await service.sales.ListSalesHistory(request, timeout=30, metadata=service.auth())
    return [(each.quantity, each.unit_price) for each in reply.sales]


def serial(first: bytes, second: bytes) -> State:
    """Give what two files leave if one comes after the other: absent columns stay as they are."""
    days: dict[str, tuple[float, float]] = {}
    for content in (BEFORE, first, second):
        for line in content.decode().splitlines()[1:]:
            day, _, _, quantity, *price = line.split(",")
            days[day] = float(quantity), float(price[0]) if price else days[day][1]
    return [days[day] for day in sorted(days)]


async def to_their_ends(service: Service, job_ids: list[str]) -> list[job_pb2.Job]:
    """Run jobs at the same time, and those that wait for their turn once more."""
    waiting, ended = job_ids, []
    while waiting:
        service.change("UPDATE data_jobs SET run_after = submitted_at WHERE status = 'pending'")
        jobs = await asyncio.gather(*(service.work(job_id) for job_id in waiting))
        waiting = [job.job_id for job in jobs if job.status == job_pb2.JOB_STATUS_PENDING]
        ended += [job for job in jobs if job.status != job_pb2.JOB_STATUS_PENDING]
    return ended


@pytest.mark.parametrize("is_reversed", [False, True])
async def test_two_imports_at_once_leave_what_one_after_the_other_leaves(
    service: Service, is_reversed: bool
) -> None:
    await service.load(BEFORE)
    files = [OTHER, ONE] if is_reversed else [ONE, OTHER]
    submitted = [(await service.submit(content)).job_id for content in files]

    jobs = await to_their_ends(service, submitted)

    assert [job.status for job in jobs] == [job_pb2.JOB_STATUS_COMPLETED] * 2
    assert await state(service) in (serial(ONE, OTHER), serial(OTHER, ONE))
    assert service.rows("SELECT COUNT(*) FROM data_versions WHERE row_count > 0") == [(3,)]


async def test_six_imports_at_once_all_end_well(service: Service) -> None:
    contents = [file_of(quantity, range(quantity * 7, DAYS)) for quantity in range(1, 7)]
    submitted = [(await service.submit(content)).job_id for content in contents]

    jobs = await to_their_ends(service, submitted)

    assert {job.status for job in jobs} == {job_pb2.JOB_STATUS_COMPLETED}
    last = [quantity for quantity, _ in (await state(service))[42:]]
    assert len(set(last)) == 1


async def test_an_import_waits_for_the_one_that_runs(service: Service) -> None:
    await service.load(BEFORE)
    first, second = [await service.submit(content) for content in (ONE, OTHER)]
    held = service.ledger.claim(first.job_id, 60.0)
    assert held is not None
    handler = import_handler(service.settings, service.worker_engine)
    signals = JobSignals()
    signals.stopping.set()
    with pytest.raises(JobHandedBack):
        await asyncio.to_thread(handler.run, JobContext(held, service.ledger, signals))

    waiting = await service.work(second.job_id)
    service.ledger.hand_back(held.job_id, held.fence)
    jobs = await to_their_ends(service, [first.job_id, second.job_id])

    assert waiting.status == job_pb2.JOB_STATUS_PENDING
    assert {job.status for job in jobs} == {job_pb2.JOB_STATUS_COMPLETED}
    assert await state(service) == serial(ONE, OTHER)


async def test_an_import_that_another_one_has_overtaken_begins_anew_after_it(
    service: Service,
) -> None:
    await service.load(BEFORE)
    changed, back = (file_of(quantity, range(DAYS)) for quantity in (9, 5))
    stopped = await service.submit(changed)
    held = service.ledger.claim(stopped.job_id, 60.0)
    assert held is not None
    handler = import_handler(service.settings, service.worker_engine)
    signals = JobSignals()
    signals.stopping.set()
    with pytest.raises(JobHandedBack):
        await asyncio.to_thread(handler.run, JobContext(held, service.ledger, signals))
    service.ledger.fail(held.job_id, held.fence, {"code": "STORAGE_FULL"})

    await service.load(back)
    await service.jobs.RetryJob(
        job_service_pb2.RetryJobRequest(job_id=stopped.job_id), timeout=30, metadata=service.auth()
    )
    (ended,) = await to_their_ends(service, [stopped.job_id])

    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert ended.result["accepted_count"] == DAYS
    assert {quantity for quantity, _ in await state(service)} == {9}
