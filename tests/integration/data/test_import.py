"""Files of sales through gRPC, worker and store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2
from shelfcast.jobs.v1 import job_pb2
from shelfcast.quality.v1 import quality_service_pb2

from tests.integration.data.test_bad_files import reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

HEADER = b"date,store,item,sales\n"


def lines(days: int, shops: int = 2, products: int = 3) -> bytes:
    rows = [
        f"2017-{1 + day // 28:02d}-{1 + day % 28:02d},{shop},{product},{day + product}\n"
        for shop in range(1, shops + 1)
        for product in range(1, products + 1)
        for day in range(days)
    ]
    return "".join(rows).encode()


async def test_a_file_becomes_sales(service: Service) -> None:
    done = await service.load(HEADER + lines(100), file_name="sales.csv")

    assert done.status == import_pb2.IMPORT_STATUS_COMPLETED
    assert (done.report.accepted_count, done.report.rejected_count) == (600, 0)
    assert dict(done.mapping) == {
        "date": "date",
        "shop_id": "store",
        "product_id": "item",
        "quantity": "sales",
    }
    assert done.data_version.startswith("dv-")
    assert service.rows("SELECT COUNT(*) FROM sales") == [(600,)]
    assert service.rows("SELECT COUNT(*) FROM products") == [(3,)]
    assert service.rows("SELECT COUNT(*) FROM shops") == [(2,)]


async def test_the_same_file_twice_changes_nothing(service: Service) -> None:
    first = await service.load(HEADER + lines(100))

    second = await service.load(HEADER + lines(100))

    assert second.repeated_import_id == first.import_id
    assert (second.report.accepted_count, second.report.repeated_count) == (0, 600)
    assert second.data_version == ""
    assert service.rows("SELECT COUNT(*) FROM sales") == [(600,)]
    assert service.rows("SELECT COUNT(*) FROM data_versions") == [(1,)]


async def cancel(service: Service, import_id: str) -> job_pb2.Job:
    request = import_service_pb2.CancelImportRequest(import_id=import_id)
    return await service.imports.CancelImport(request, timeout=30, metadata=service.auth())


async def test_an_import_that_waits_can_be_cancelled_and_is_never_seen(service: Service) -> None:
    waiting = await service.submit(HEADER + lines(5))

    cancelled = await cancel(service, waiting.job_id)
    again = await cancel(service, waiting.job_id)
    loaded = await service.load(HEADER + lines(5))

    assert cancelled.status == again.status == job_pb2.JOB_STATUS_CANCELLED
    assert (loaded.report.accepted_count, loaded.repeated_import_id) == (30, "")
    assert service.rows("SELECT COUNT(*) FROM sales") == [(30,)]


async def test_what_is_done_is_not_cancelled_and_what_is_no_import_is_not_found(service: Service) -> None:
    done = await service.load(HEADER + lines(5))
    check = await service.quality.CreateQualityCheck(
        quality_service_pb2.CreateQualityCheckRequest(), timeout=30, metadata=service.auth()
    )

    reasons = []
    for import_id in (done.import_id, check.job_id, "nothing"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await cancel(service, import_id)
        reasons.append(reason_of(caught.value)[0])

    assert reasons == ["STATE_CONFLICT", "IMPORT_NOT_FOUND", "IMPORT_NOT_FOUND"]
