"""The job table on both stores: submission, lease, fence, crash, cancel, list."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from shelfcast_servicekit.errors import IdempotencyKeyReused
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.domain import JobFilter, JobOutcome, JobStatus, JobSubmission
from shelfcast_servicekit.jobs.errors import JobLeaseLost, JobNotFound, StateConflict
from shelfcast_servicekit.jobs.store import JobLedger, JobStore
from shelfcast_servicekit.jobs.table import job_table
from sqlalchemy import Engine, MetaData, Table

IMPORT = JobSubmission(
    tenant="grocer", kind="import", submitted_by="api-key:Ab3dE6gH", input={"file": "sales.csv"}
)


@pytest.fixture
def table(engine: Engine) -> Table:
    metadata = MetaData()
    table = job_table(metadata, "data_")
    metadata.create_all(engine)
    return table


@pytest.fixture
def store(engine: Engine, executor: BlockingExecutor, table: Table) -> JobStore:
    return JobStore(engine, executor, table)


@pytest.fixture
def ledger(engine: Engine, table: Table) -> JobLedger:
    return JobLedger(engine, table)


async def test_a_submitted_job_waits_with_what_was_asked(store: JobStore) -> None:
    job = await store.submit(IMPORT)

    assert job == await store.get("grocer", job.job_id)
    assert (job.status, job.input, job.attempt) == (JobStatus.PENDING, {"file": "sales.csv"}, 0)
    assert job.submitted_at.tzinfo is not None


async def test_the_job_of_another_tenant_is_not_found(store: JobStore) -> None:
    job = await store.submit(IMPORT)

    with pytest.raises(JobNotFound):
        await store.get("baker", job.job_id)


async def test_one_idempotency_key_gives_one_job_in_a_race_of_ten(store: JobStore) -> None:
    keyed = replace(IMPORT, idempotency_key="monday")

    jobs = await asyncio.gather(*(store.submit(keyed) for _ in range(10)))

    assert len({job.job_id for job in jobs}) == 1


async def test_an_idempotency_key_with_another_input_is_refused(store: JobStore) -> None:
    await store.submit(replace(IMPORT, idempotency_key="monday"))

    with pytest.raises(IdempotencyKeyReused):
        await store.submit(replace(IMPORT, idempotency_key="monday", input={"file": "other.csv"}))


async def test_an_idempotency_key_stands_for_the_request_where_one_is_told(store: JobStore) -> None:
    first = await store.submit(replace(IMPORT, idempotency_key="monday", request={"name": "till"}))

    again = await store.submit(
        replace(IMPORT, idempotency_key="monday", request={"name": "till"}, input={"file": "other.csv"})
    )
    with pytest.raises(IdempotencyKeyReused):
        await store.submit(replace(IMPORT, idempotency_key="monday", request={"name": "shop"}))

    assert again == first


async def test_an_idempotency_key_belongs_to_its_tenant(store: JobStore) -> None:
    mine = await store.submit(replace(IMPORT, idempotency_key="monday"))
    theirs = await store.submit(replace(IMPORT, idempotency_key="monday", tenant="baker"))

    assert mine.job_id != theirs.job_id


async def test_only_one_of_many_workers_gets_a_job(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)

    claims = await asyncio.gather(*(asyncio.to_thread(ledger.claim, job.job_id, 30.0) for _ in range(8)))

    taken = [claim for claim in claims if claim is not None]
    assert [(claim.status, claim.fence, claim.attempt) for claim in taken] == [(JobStatus.PROCESSING, 1, 1)]


async def test_a_job_ends_with_its_result(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 30.0)

    ledger.progress(job.job_id, 1, "loading", 5, 10)
    ledger.complete(job.job_id, 1, JobOutcome({"rows": 10}, "/api/v1/imports/7"))

    ended = await store.get("grocer", job.job_id)
    assert (ended.status, ended.phase, ended.done_count) == (JobStatus.COMPLETED, "loading", 5)
    assert (ended.result, ended.result_url) == ({"rows": 10}, "/api/v1/imports/7")
    assert ended.completed_at is not None


async def test_a_worker_that_slept_past_its_lease_changes_nothing(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 0.01)
    await asyncio.sleep(0.05)
    second = ledger.claim(job.job_id, 30.0)

    for late in (
        lambda: ledger.heartbeat(job.job_id, 1, 30.0),
        lambda: ledger.progress(job.job_id, 1, "late", 1, 1),
        lambda: ledger.complete(job.job_id, 1, JobOutcome()),
        lambda: ledger.fail(job.job_id, 1, {}),
        lambda: ledger.save_checkpoint(job.job_id, 1, {}),
        lambda: ledger.hand_back(job.job_id, 1),
    ):
        with pytest.raises(JobLeaseLost):
            late()

    assert second is not None
    assert (second.fence, second.attempt) == (2, 2)
    assert (await store.get("grocer", job.job_id)).status is JobStatus.PROCESSING


async def test_a_heartbeat_keeps_the_lease(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 0.5)

    for _ in range(4):
        await asyncio.sleep(0.2)
        assert ledger.heartbeat(job.job_id, 1, 0.5) is False

    assert ledger.claim(job.job_id, 30.0) is None


async def test_the_third_crash_ends_a_job_as_failed(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)
    for _ in range(3):
        assert ledger.claim(job.job_id, 0.01) is not None
        await asyncio.sleep(0.05)

    assert ledger.claim(job.job_id, 30.0) is None

    dead = await store.get("grocer", job.job_id)
    assert dead.status is JobStatus.FAILED
    assert dead.error is not None
    assert dead.error["code"] == "JOB_CRASHED"


async def test_a_retry_gives_a_failed_job_three_new_lives(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 30.0)
    ledger.save_checkpoint(job.job_id, 1, {"row": 40_000})
    ledger.fail(job.job_id, 1, {"code": "INTERNAL"})

    await store.retry("grocer", job.job_id)

    again = ledger.claim(job.job_id, 30.0)
    assert again is not None
    assert (again.checkpoint, again.error) == ({"row": 40_000}, None)


async def test_a_waiting_job_is_cancelled_at_once(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)

    cancelled = await store.request_cancel("grocer", job.job_id)

    assert cancelled.status is JobStatus.CANCELLED
    assert ledger.claim(job.job_id, 30.0) is None
    assert (await store.request_cancel("grocer", job.job_id)).status is JobStatus.CANCELLED


async def test_a_running_job_hears_of_its_cancel_at_the_heartbeat(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 30.0)

    asked = await store.request_cancel("grocer", job.job_id)

    assert (asked.status, asked.cancel_requested) == (JobStatus.PROCESSING, True)
    assert ledger.heartbeat(job.job_id, 1, 30.0) is True


async def test_a_cancelled_job_whose_worker_died_ends_as_cancelled(
    store: JobStore, ledger: JobLedger
) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 0.01)
    await store.request_cancel("grocer", job.job_id)
    await asyncio.sleep(0.05)

    await store.sweep(10.0)

    assert (await store.get("grocer", job.job_id)).status is JobStatus.CANCELLED


@pytest.mark.parametrize("verb", ["request_cancel", "retry"])
async def test_a_completed_job_cannot_be_steered(store: JobStore, ledger: JobLedger, verb: str) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 30.0)
    ledger.complete(job.job_id, 1, JobOutcome())

    with pytest.raises(StateConflict) as caught:
        await getattr(store, verb)("grocer", job.job_id)

    assert caught.value.metadata == {"job_id": job.job_id, "status": "completed"}


async def test_a_list_is_paged_newest_first_without_gap_or_repeat(store: JobStore) -> None:
    submitted = [(await store.submit(IMPORT)).job_id for _ in range(7)]
    await store.submit(replace(IMPORT, tenant="baker"))

    seen: list[str] = []
    after = None
    while True:
        page = await store.page("grocer", JobFilter(), 3, after)
        seen += [job.job_id for job in page.jobs]
        after = (page.jobs[-1].submitted_at, page.jobs[-1].job_id)
        if not page.has_more:
            break

    assert sorted(seen) == sorted(submitted)
    assert len(seen) == 7


async def test_a_list_is_filtered_and_counted(store: JobStore) -> None:
    job = await store.submit(IMPORT)
    await store.submit(replace(IMPORT, kind="train"))
    await store.request_cancel("grocer", job.job_id)

    page = await store.page("grocer", JobFilter(JobStatus.CANCELLED, "import"), 10)
    counts = await store.counts("grocer")

    assert [found.job_id for found in page.jobs] == [job.job_id]
    assert counts == {
        JobStatus.PENDING: 1,
        JobStatus.PROCESSING: 0,
        JobStatus.COMPLETED: 0,
        JobStatus.FAILED: 0,
        JobStatus.CANCELLED: 1,
    }


async def test_a_sweep_names_what_was_never_announced_and_what_nobody_took(store: JobStore) -> None:
    job = await store.submit(IMPORT)

    first = await store.sweep(10.0)
    await store.mark_published(first)
    quiet = await store.sweep(10.0)
    await asyncio.sleep(0.05)
    overdue = await store.sweep(0.02)

    assert (list(first), list(quiet), list(overdue)) == ([job.job_id], [], [job.job_id])


async def test_a_job_is_not_due_before_its_time(store: JobStore, ledger: JobLedger) -> None:
    job = await store.submit(replace(IMPORT, run_after_seconds=0.3))

    assert ledger.claim(job.job_id, 30.0) is None
    assert list(await store.sweep(10.0)) == []
    await asyncio.sleep(0.35)
    assert ledger.claim(job.job_id, 30.0) is not None


async def test_a_guarded_effect_of_a_lost_lease_is_rolled_back(
    store: JobStore, ledger: JobLedger, engine: Engine
) -> None:
    job = await store.submit(IMPORT)
    ledger.claim(job.job_id, 0.01)
    await asyncio.sleep(0.05)
    ledger.claim(job.job_id, 30.0)

    with engine.connect() as connection, pytest.raises(JobLeaseLost):
        ledger.guard(connection, job.job_id, 1)
    with engine.connect() as connection:
        ledger.guard(connection, job.job_id, 2)


async def test_the_age_of_the_oldest_announced_job_is_known(store: JobStore, ledger: JobLedger) -> None:
    assert ledger.oldest_wait_seconds() == 0.0
    job = await store.submit(IMPORT)
    assert ledger.oldest_wait_seconds() == 0.0

    await store.mark_published([job.job_id])
    await asyncio.sleep(0.1)

    assert ledger.oldest_wait_seconds() > 0.05
