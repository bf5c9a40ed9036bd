"""A correction of a day that a model has learned from: the old data stay, the new day is named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from shelfcast_data.bootstrap.worker import import_handler
from shelfcast_servicekit.jobs.context import JobContext, JobSignals

from tests.integration.data.test_sales import changes, history, version
from tests.integration.data.test_snapshots import CORRECTED, differences, rows_of, snapshot

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

HEADER = "date,shop_id,product_id,quantity\n"
TRAINED = (HEADER + "".join(f"2026-03-{day:02d},berlin,milk,{day}\n" for day in range(1, 29))).encode()
CORRECTION = (HEADER + "2026-03-10,berlin,milk,99\n2026-03-11,berlin,milk,11\n").encode()


async def corrected(service: Service) -> list[tuple[str, str]]:
    """Import the correction; give what was announced."""
    told: list[tuple[str, str]] = []
    handler = import_handler(service.settings, service.worker_engine)
    announcing = replace(handler, announce=lambda tenant, name: told.append((tenant, name)))
    job = await service.submit(CORRECTION)
    held = service.ledger.claim(job.job_id, 60.0)
    assert held is not None
    outcome = await asyncio.to_thread(announcing.run, JobContext(held, service.ledger, JobSignals()))
    service.ledger.complete(held.job_id, held.fence, outcome)
    return told


async def test_a_late_correction_is_a_new_version_and_the_old_one_reads_as_before(service: Service) -> None:
    await service.load(TRAINED)
    learned_from = await snapshot(service)
    before = await rows_of(service, learned_from)

    announced = await corrected(service)
    newest = await version(service)

    assert newest != learned_from.data_version
    assert announced == [("acme", newest)]
    assert await rows_of(service, learned_from) == before
    assert await snapshot(service, data_version=learned_from.data_version) == learned_from


async def test_the_difference_names_the_corrected_day_only(service: Service) -> None:
    await service.load(TRAINED)
    old = await version(service)
    await corrected(service)
    new = await version(service)

    found = await differences(service, data_version=new, base_data_version=old)

    (day,) = found.differences
    assert (day.shop_id, day.product_id, day.date, day.change) == ("berlin", "milk", "2026-03-10", CORRECTED)
    assert (day.before.quantity, day.after.quantity) == (10, 99)


async def test_who_has_learned_from_the_old_version_is_given_the_corrected_day(service: Service) -> None:
    await service.load(TRAINED)
    learned_from = await snapshot(service)
    await corrected(service)

    delta, at = await changes(service, learned_from.data_version)
    fresh = await rows_of(service, await snapshot(service))
    read = await history(service, start="2026-03-10", end="2026-03-10")

    assert [(row["date"].isoformat(), row["quantity"]) for row in delta] == [("2026-03-10", 99)]
    assert at == await version(service)
    assert [row["quantity"] for row in fresh][9:11] == [99, 11]
    assert [each.quantity for each in read.sales] == [99]
