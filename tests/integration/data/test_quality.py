"""Checks of the sales: run as jobs, findings opened and resolved, scores over time."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.jobs.v1 import job_pb2
from shelfcast.quality.v1 import quality_pb2
from shelfcast.quality.v1 import quality_service_pb2 as pb
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.bootstrap.worker import quality_handler

from tests.integration.data.test_bad_files import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.data.conftest import Service

FIRST = date(2025, 1, 6)
HEADER = "date,shop_id,product_id,quantity,unit_price\n"
STALE = ("stale_data", None)


def sales(shop_id: str, product_id: str, quantities: dict[int, int] | None = None, days: int = 84) -> str:
    """Give the lines of a series that sells ten a day but on some days."""
    sold = dict.fromkeys(range(days), 10) | (quantities or {})
    return "".join(
        f"{FIRST + timedelta(days=day)},{shop_id},{product_id},{quantity},1.99\n"
        for day, quantity in sorted(sold.items())
    )


MIXED = dict.fromkeys(range(40, 47), 120)


async def check(service: Service, **fields: str) -> job_pb2.Job:
    """Run a check to its end."""
    metadata = service.auth() + tuple(fields.items())
    job = await service.quality.CreateQualityCheck(
        pb.CreateQualityCheckRequest(), timeout=30, metadata=metadata
    )
    return await service.work(job.job_id)


async def findings(
    service: Service,
    key: str | None = None,
    **fields: Any,  # noqa: ANN401 - fields of a message
) -> Sequence[quality_pb2.QualityFinding]:
    """Give the first page of findings."""
    request = pb.ListQualityFindingsRequest(**fields)
    reply = await service.quality.ListQualityFindings(request, timeout=30, metadata=service.auth(key))
    return reply.findings


def rules(found: Sequence[quality_pb2.QualityFinding]) -> list[tuple[str, str | None]]:
    """Give rule and product of findings."""
    return [
        (
            quality_pb2.QualityRule.Name(each.rule).removeprefix("QUALITY_RULE_").lower(),
            each.product_id if each.HasField("product_id") else None,
        )
        for each in found
    ]


async def scores(service: Service, key: str | None = None) -> Sequence[quality_pb2.ShopQuality]:
    request = pb.ListShopQualityRequest()
    return (await service.quality.ListShopQuality(request, timeout=30, metadata=service.auth(key))).shops


async def test_a_check_finds_a_mix_up_and_scores_each_shop(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk", MIXED) + sales("hamburg", "milk")).encode())

    job = await check(service)
    berlin, hamburg = await scores(service)
    (found,) = await findings(service, rule="QUALITY_RULE_UNIT_MIX_UP")

    assert (job.status, job.kind) == (job_pb2.JOB_STATUS_COMPLETED, "data.quality")
    assert (job.result["shop_count"], job.result["finding_count"]) == (2, 2)
    assert (berlin.shop_id, berlin.series_day_count, berlin.faulty_day_count) == ("berlin", 84, 7)
    assert berlin.score_pct == pytest.approx(100 * 77 / 84)
    assert (berlin.error_count, berlin.check_id) == (1, job.job_id)
    assert (hamburg.score_pct, hamburg.error_count) == (100, 0)
    assert (found.shop_id, found.product_id) == ("berlin", "milk")
    assert (found.start, found.end, found.day_count) == ("2025-02-15", "2025-02-21", 7)
    assert (found.measured, found.usual) == (120, 10)
    assert found.severity == quality_pb2.QUALITY_SEVERITY_ERROR
    assert found.state == quality_pb2.FINDING_STATE_OPEN
    assert not found.HasField("resolved_at")


async def test_a_mended_finding_is_resolved_and_comes_back_with_its_fault(service: Service) -> None:
    sound, mixed = (HEADER + sales("berlin", "milk", each) for each in (None, MIXED))
    await service.load(mixed.encode())
    await check(service)
    (first,) = await findings(service, product_id="milk")

    mended = await service.load(sound.encode())
    await check(service)
    open_then = rules(await findings(service))
    (resolved,) = await findings(service, state="FINDING_STATE_RESOLVED")
    await service.imports.UndoImport(
        import_service_pb2.UndoImportRequest(import_id=mended.import_id), timeout=30, metadata=service.auth()
    )
    await check(service)
    (back,) = await findings(service, product_id="milk")

    assert open_then == [STALE]
    assert resolved.finding_id == first.finding_id == back.finding_id
    assert resolved.resolved_at.ToDatetime() > resolved.last_seen_at.ToDatetime()
    assert resolved.state == quality_pb2.FINDING_STATE_RESOLVED
    assert not back.HasField("resolved_at")
    assert back.first_seen_at == first.first_seen_at
    assert back.last_seen_at.ToDatetime() > first.last_seen_at.ToDatetime()
    assert await findings(service, state="FINDING_STATE_RESOLVED") == []


async def test_scores_of_a_shop_tell_their_course_newest_first(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk", MIXED) + sales("hamburg", "milk")).encode())
    await check(service)
    await service.load((HEADER + sales("berlin", "milk")).encode())
    await check(service)

    pages, token = [], ""
    for _ in range(2):
        request = pb.ListQualityScoresRequest(shop_id="berlin", page_size=1, page_token=token)
        reply = await service.quality.ListQualityScores(request, timeout=30, metadata=service.auth())
        pages += [(round(each.score_pct, 1), each.data_version) for each in reply.scores]
        token = reply.next_page_token

    assert [score for score, _ in pages] == [100, 91.7]
    assert pages[0][1] != pages[1][1]
    assert token == ""


async def test_findings_are_filtered_and_paged(service: Service) -> None:
    shops = ("berlin", "hamburg", "leipzig")
    await service.load((HEADER + "".join(sales(shop, "milk", MIXED) for shop in shops)).encode())
    await check(service)

    pages, token = [], ""
    while True:
        request = pb.ListQualityFindingsRequest(page_size=3, page_token=token)
        reply = await service.quality.ListQualityFindings(request, timeout=30, metadata=service.auth())
        pages.append(len(reply.findings))
        token = reply.next_page_token
        if not token:
            break

    assert pages == [3, 1]
    assert rules(await findings(service, shop_id="berlin")) == [("unit_mix_up", "milk")]
    assert rules(await findings(service, rule="QUALITY_RULE_STALE_DATA")) == [STALE]
    assert len(await findings(service, severity="QUALITY_SEVERITY_ERROR", product_id="milk")) == 3
    assert await findings(service, severity="QUALITY_SEVERITY_WARNING") == []


async def test_old_sales_are_told_once_and_only_the_shop_that_lags_behind_is_stale(service: Service) -> None:
    shops = {"berlin": 84, "hamburg": 82, "leipzig": 60}
    rows = "".join(sales(shop, "milk", days=days) for shop, days in shops.items())
    await service.load((HEADER + rows).encode())

    await check(service)
    (shop,) = await findings(service, rule="QUALITY_RULE_STALE_SHOP")
    (data,) = await findings(service, shop_id="")

    assert (shop.shop_id, shop.start, shop.end, shop.measured) == ("leipzig", "2025-03-07", "2025-03-30", 24)
    assert (rules([data]), data.start) == ([STALE], "2025-03-31")
    assert [(each.shop_id, each.error_count) for each in await scores(service)] == [
        ("berlin", 0),
        ("hamburg", 0),
        ("leipzig", 1),
    ]


async def test_later_pages_of_shops_show_the_check_of_the_first_one(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk") + sales("hamburg", "milk")).encode())
    job = await check(service)
    call: dict[str, Any] = {"timeout": 5, "metadata": service.auth()}

    first = await service.quality.ListShopQuality(pb.ListShopQualityRequest(page_size=1), **call)
    await check(service)
    request = pb.ListShopQualityRequest(page_size=1, page_token=first.next_page_token)
    second = await service.quality.ListShopQuality(request, **call)

    assert [each.shop_id for each in (*first.shops, *second.shops)] == ["berlin", "hamburg"]
    assert {each.check_id for each in (*first.shops, *second.shops)} == {job.job_id}
    assert second.next_page_token == ""


async def test_a_check_that_is_run_again_is_stored_once(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode())
    job = await check(service)
    handler = quality_handler(service.settings, service.worker_engine)
    watch = _NoWatch()

    again = await asyncio.to_thread(handler.check_quality, "acme", job.job_id, watch)

    assert again.finding_count == 2
    assert watch.guarded == 1
    assert service.rows("SELECT COUNT(*) FROM quality_checks") == [(1,)]
    assert service.rows("SELECT COUNT(*) FROM quality_scores") == [(1,)]


class _NoWatch:
    """A job that lets everything through."""

    def __init__(self) -> None:
        self.guarded = 0

    def progress(self, phase: str, done: float, total: float) -> None:
        assert (phase, done, total) == ("checking", 1, 1)

    def guard(self, tx: object) -> None:
        self.guarded += 1


async def test_the_same_idempotency_key_is_the_same_check(service: Service) -> None:
    call: dict[str, Any] = {"timeout": 5, "metadata": (*service.auth(), ("idempotency-key", "monday"))}

    jobs = [
        await service.quality.CreateQualityCheck(pb.CreateQualityCheckRequest(), **call) for _ in range(2)
    ]

    assert jobs[0].job_id == jobs[1].job_id


async def test_a_tenant_without_sales_has_no_scores(service: Service) -> None:
    before = await scores(service)
    job = await check(service)

    assert job.status == job_pb2.JOB_STATUS_COMPLETED
    assert (before, await scores(service), await findings(service)) == ([], [], [])


async def test_one_tenant_sees_nothing_of_another(service: Service) -> None:
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode())
    await check(service)
    other = await create_api_key(service.settings, "umbrella", "admin", "tests")

    assert await findings(service, key=other) == []
    assert await scores(service, key=other) == []


async def test_a_viewer_may_read_but_not_run_a_check(service: Service) -> None:
    viewer = await create_api_key(service.settings, "acme", "viewer", "tests")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.quality.CreateQualityCheck(
            pb.CreateQualityCheckRequest(), timeout=30, metadata=service.auth(viewer)
        )

    assert reason_of(refused.value) == ("PERMISSION_MISSING", {"permission": "quality.run"})
    assert await scores(service, key=viewer) == []
