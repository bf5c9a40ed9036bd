"""Checks of one tenant come one after another, and imports ask for them by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast.quality.v1 import quality_service_pb2 as pb
from shelfcast_data.application.receive_import import JOB_KIND as IMPORT
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.bootstrap.worker import import_handler, quality_handler
from shelfcast_data.domain.quality import JOB_KIND as CHECK
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions

from tests.integration.data.test_quality import HEADER, MIXED, findings, sales

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.context import JobHandler

    from tests.integration.data.conftest import Service

CHECKS = "SELECT job_id, status FROM data_jobs WHERE kind = 'data.quality' ORDER BY submitted_at, job_id"


async def ask(service: Service, key: str | None = None, **metadata: str) -> job_pb2.Job:
    call: dict[str, Any] = {"timeout": 5, "metadata": service.auth(key) + tuple(metadata.items())}
    return await service.quality.CreateQualityCheck(pb.CreateQualityCheckRequest(), **call)


async def job_of(service: Service, job_id: str) -> job_pb2.Job:
    request = job_service_pb2.GetJobRequest(job_id=job_id)
    return await service.jobs.GetJob(request, timeout=5, metadata=service.auth())


def asking(service: Service, minutes: int) -> None:
    """Let imports ask for checks."""
    settings = service.settings.model_copy(update={"quality_check_minutes": minutes})
    handlers: dict[str, JobHandler] = {
        IMPORT: import_handler(settings, service.worker_engine),
        CHECK: quality_handler(service.settings, service.worker_engine),
    }
    service.runner = JobRunner(service.ledger, handlers, RunnerOptions("shelfcast_data"))


async def test_a_check_that_waits_is_given_again(service: Service) -> None:
    first = await ask(service)
    second = await ask(service)
    await service.work(first.job_id)
    third = await ask(service)

    assert first.job_id == second.job_id != third.job_id


async def test_many_that_ask_at_once_get_one_check(service: Service) -> None:
    jobs = await asyncio.gather(*(ask(service) for _ in range(8)))

    assert len({job.job_id for job in jobs}) == 1


async def test_each_idempotency_key_has_its_own_check(service: Service) -> None:
    one, other = [await ask(service, **{"idempotency-key": key}) for key in ("monday", "tuesday")]

    assert one.job_id != other.job_id


async def test_a_check_waits_until_the_one_before_has_ended(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode())
    handler = quality_handler(service.settings, service.worker_engine)
    first, second = [await ask(service, **{"idempotency-key": key}) for key in ("1", "2")]
    held = service.ledger.claim(first.job_id, 60.0)
    assert held is not None
    turns = handler.check_quality._begin
    await asyncio.to_thread(turns, "acme", first.job_id)

    waiting = await service.work(second.job_id)
    outcome = await asyncio.to_thread(handler.run, JobContext(held, service.ledger, JobSignals()))
    service.ledger.complete(held.job_id, held.fence, outcome)
    service.change("UPDATE data_jobs SET run_after = submitted_at WHERE status = 'pending'")
    ended = await service.work(second.job_id)

    assert waiting.status == job_pb2.JOB_STATUS_PENDING
    assert ended.status == job_pb2.JOB_STATUS_COMPLETED
    assert service.rows("SELECT COUNT(*) FROM quality_checks") == [(2,)]
    assert len(await findings(service, product_id="milk")) == 1


async def test_a_check_whose_worker_died_is_run_before_the_next(service: Service) -> None:
    first, second = [await ask(service, **{"idempotency-key": key}) for key in ("1", "2")]
    lost = service.ledger.claim(first.job_id, 0.01)
    assert lost is not None
    handler = quality_handler(service.settings, service.worker_engine)
    await asyncio.to_thread(handler.check_quality._begin, "acme", first.job_id)
    await asyncio.sleep(0.1)
    await service.parts.sweeper._store.sweep(60.0)

    waiting = await service.work(second.job_id)
    again = await service.work(first.job_id)
    service.change("UPDATE data_jobs SET run_after = submitted_at WHERE status = 'pending'")
    ended = await service.work(second.job_id)

    assert waiting.status == job_pb2.JOB_STATUS_PENDING
    assert (again.status, ended.status) == (job_pb2.JOB_STATUS_COMPLETED,) * 2


async def test_checks_of_two_tenants_do_not_wait_for_each_other(service: Service) -> None:
    other = await create_api_key(service.settings, "umbrella", "admin", "tests")
    theirs, ours = await ask(service, other), await ask(service)
    assert service.ledger.claim(theirs.job_id, 60.0) is not None
    handler = quality_handler(service.settings, service.worker_engine)
    await asyncio.to_thread(handler.check_quality._begin, "umbrella", theirs.job_id)

    assert (await service.work(ours.job_id)).status == job_pb2.JOB_STATUS_COMPLETED


async def test_an_import_asks_for_a_check_by_itself(service: Service) -> None:
    asking(service, 60)
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode())

    ((job_id, status),) = service.rows(CHECKS)
    job = await service.work(job_id)

    assert status == "pending"
    assert job.submitted_by == "service:data"
    assert len(await findings(service, product_id="milk")) == 1


async def test_a_second_import_within_the_hour_waits_for_its_check(service: Service) -> None:
    asking(service, 60)
    await service.load((HEADER + sales("berlin", "milk")).encode())
    ((first, _),) = service.rows(CHECKS)
    await service.work(first)

    await service.load((HEADER + sales("hamburg", "milk")).encode())
    await service.load((HEADER + sales("leipzig", "milk")).encode())
    ((_, done), (second, waiting)) = service.rows(CHECKS)
    not_yet = await asyncio.to_thread(service.runner.run, second)
    asked = await ask(service)
    ended = await service.work(second)

    assert (done, waiting) == ("completed", "pending")
    assert not not_yet
    assert asked.job_id == second
    assert ended.result["shop_count"] == 3


async def test_imports_that_end_together_ask_for_one_check(service: Service) -> None:
    asking(service, 60)
    jobs = [
        await service.submit((HEADER + sales(shop, "milk")).encode()) for shop in ("berlin", "hamburg", "ulm")
    ]

    await asyncio.gather(*(service.work(job.job_id) for job in jobs))

    assert len(service.rows(CHECKS)) == 1


async def test_an_import_that_changes_nothing_asks_for_nothing(service: Service) -> None:
    asking(service, 60)
    content = (HEADER + sales("berlin", "milk")).encode()
    await service.load(content, dry_run=True)

    assert service.rows(CHECKS) == []


async def test_zero_minutes_ask_for_nothing(service: Service) -> None:
    asking(service, 0)
    await service.load((HEADER + sales("berlin", "milk")).encode())

    assert service.rows(CHECKS) == []
