"""Checks that score each source of sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from shelfcast.quality.v1 import quality_service_pb2 as pb
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key, erase_principal

from tests.integration.data.test_import_mappings import Mappings
from tests.integration.data.test_quality import HEADER, MIXED, check, sales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast.quality.v1 import quality_pb2

    from tests.integration.data.conftest import Service

Count = tuple[str, int, int, int]


async def sources(service: Service, key: str | None = None) -> Sequence[quality_pb2.SourceQuality]:
    request = pb.ListSourceQualityRequest()
    return (await service.quality.ListSourceQuality(request, timeout=5, metadata=service.auth(key))).sources


def counted(found: Sequence[quality_pb2.SourceQuality]) -> list[Count]:
    """Give source, days, faulty days and errors."""
    return [
        (each.source_id, each.series_day_count, each.faulty_day_count, each.error_count) for each in found
    ]


def principal(key: str) -> str:
    return f"api-key:{key.split('_')[1]}"


async def test_each_source_answers_for_its_own_days(service: Service) -> None:
    await Mappings(service).create("till")
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode(), mapping_name="till")
    await service.load((HEADER + sales("hamburg", "milk")).encode())
    sale = sale_pb2.Sale(shop_id="hamburg", product_id="milk", date="2025-03-01", quantity=11)
    await service.sales.CreateSale(
        sale_service_pb2.CreateSaleRequest(sale=sale), timeout=5, metadata=service.auth()
    )

    job = await check(service)
    found = await sources(service)

    assert counted(found) == [
        ("entries", 1, 0, 0),
        ("mapping:till", 84, 7, 1),
        (f"principal:{principal(service.key)}", 83, 0, 0),
    ]
    assert found[1].score_pct == pytest.approx(100 * 77 / 84)
    assert {each.check_id for each in found} == {job.job_id}


async def test_a_corrected_day_counts_for_the_source_that_has_corrected_it(service: Service) -> None:
    await Mappings(service).create("head-office")
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode())
    mended = (HEADER + sales("berlin", "milk")).encode()
    await service.load(mended, mapping_name="head-office")

    await check(service)

    assert counted(await sources(service)) == [
        ("mapping:head-office", 7, 0, 0),
        (f"principal:{principal(service.key)}", 77, 0, 0),
    ]


async def test_scores_of_a_source_tell_their_course_newest_first(service: Service) -> None:
    await Mappings(service).create("till")
    for quantities in (MIXED, None):
        content = (HEADER + sales("berlin", "milk", quantities)).encode()
        await service.load(content, mapping_name="till")
        await check(service)

    pages, token = [], ""
    for _ in range(2):
        request = pb.ListSourceScoresRequest(source_id="mapping:till", page_size=1, page_token=token)
        reply = await service.quality.ListSourceScores(request, timeout=5, metadata=service.auth())
        pages += [round(each.score_pct, 1) for each in reply.scores]
        token = reply.next_page_token

    assert pages == [100, 91.7]
    assert token == ""


async def test_later_pages_of_sources_show_the_check_of_the_first_one(service: Service) -> None:
    other = await create_api_key(service.settings, "acme", "admin", "second till")
    await service.load((HEADER + sales("berlin", "milk")).encode())
    job = await service.submit((HEADER + sales("hamburg", "milk")).encode(), key=other)
    await service.work(job.job_id)
    checked = await check(service)
    call: dict[str, Any] = {"timeout": 5, "metadata": service.auth()}

    first = await service.quality.ListSourceQuality(pb.ListSourceQualityRequest(page_size=1), **call)
    await check(service)
    request = pb.ListSourceQualityRequest(page_size=1, page_token=first.next_page_token)
    second = await service.quality.ListSourceQuality(request, **call)

    shown = [*first.sources, *second.sources]
    names = sorted(f"principal:{principal(key)}" for key in (service.key, other))
    assert [each.source_id for each in shown] == names
    assert {each.check_id for each in shown} == {checked.job_id}
    assert second.next_page_token == ""


async def test_an_erased_person_is_no_source_by_name(service: Service) -> None:
    key = await create_api_key(service.settings, "acme", "admin", "Erika Muster")
    job = await service.submit((HEADER + sales("berlin", "milk")).encode(), key=key)
    await service.work(job.job_id)
    await check(service)

    pseudonym = erase_principal(service.settings, "acme", "Erika Muster")
    before = await sources(service)
    await check(service)
    after = await sources(service)

    assert [each.source_id for each in (*before, *after)] == [f"principal:{pseudonym}"] * 2


async def test_one_tenant_sees_no_sources_of_another(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk")).encode())
    await check(service)
    other = await create_api_key(service.settings, "umbrella", "admin", "tests")

    assert await sources(service, other) == []
