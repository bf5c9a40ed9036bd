"""Many products at once: good rows stored together, bad ones reported; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from shelfcast.catalog.v1 import product_pb2, product_service_pb2
from shelfcast.common.v1 import row_report_pb2
from shelfcast.sales.v1 import data_version_service_pb2

from tests.integration.data.catalogue_client import Entries, facts_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service


async def upsert(service: Service, *rows: dict[str, Any], atomic: bool = False) -> row_report_pb2.RowReport:
    request = product_service_pb2.BulkUpsertProductsRequest(
        products=[product_pb2.Product(**row) for row in rows], atomic=atomic
    )
    return await service.products.BulkUpsertProducts(request, timeout=60, metadata=service.auth())


def counts(report: row_report_pb2.RowReport) -> tuple[int, int, int]:
    return report.accepted_count, report.rejected_count, report.repeated_count


async def version_count(service: Service) -> int:
    request = data_version_service_pb2.ListDataVersionsRequest(page_size=1000)
    found = await service.versions.ListDataVersions(request, timeout=30, metadata=service.auth())
    return len(found.data_versions)


async def test_new_and_known_products_are_stored_in_one_data_version(service: Service) -> None:
    products = Entries(service, "product")
    await products.create(product_id="oat", name="Oat milk", price=1.29)
    await products.create(product_id="rye", name="Rye")
    before = await version_count(service)

    report = await upsert(
        service,
        {"product_id": "oat", "price": 1.49},
        {"product_id": "rye", "name": "Rye"},
        {"product_id": "soy", "name": "Soy", "successor_product_id": "oat"},
    )

    listed = {each.product_id: each for each in (await products.page()).products}
    assert counts(report) == (2, 0, 1)
    assert (listed["oat"].name, listed["oat"].price, listed["oat"].etag) == ("Oat milk", 1.49, "2")
    assert listed["rye"].etag == "1"
    assert (listed["soy"].etag, listed["soy"].unit) == ("1", "piece")
    assert await version_count(service) == before + 1


async def test_bad_rows_are_reported_and_the_good_ones_stored(service: Service) -> None:
    report = await upsert(
        service,
        {"product_id": "oat", "price": -1.0, "currency_code": "eur"},
        {"product_id": ""},
        {"product_id": "bulk"},
        {"product_id": "rye", "price": 2.0},
        {"product_id": "rye", "price": 3.0},
        {"product_id": "soy", "supplier_id": "nobody"},
        {"product_id": "almond", "etag": "3"},
        {"product_id": "hemp", "price": float("nan")},
    )

    found = [(each.row, each.pointer, each.rule, each.value) for each in report.rejections]
    assert counts(report) == (1, 7, 0)
    assert found == [
        (1, "/products/0/price", "price.range", "-1.000000"),
        (1, "/products/0/currency_code", "currency.form", "eur"),
        (2, "/products/1/product_id", "id.form", ""),
        (3, "/products/2/product_id", "id.reserved", "bulk"),
        (5, "/products/4/product_id", "row.duplicate", "rye"),
        (6, "/products/5/supplier_id", "supplier_id.known", "nobody"),
        (7, "/products/6/etag", "etag", "3"),
        (8, "/products/7/price", "price.range", "NaN"),
    ]
    assert [each.price for each in (await Entries(service, "product").page()).products] == [2.0]


async def test_rows_may_name_one_another_unless_one_is_bad(service: Service) -> None:
    report = await upsert(
        service,
        {"product_id": "a", "successor_product_id": "b"},
        {"product_id": "b", "successor_product_id": "c"},
        {"product_id": "c", "price": -1.0},
        {"product_id": "d", "successor_product_id": "e"},
        {"product_id": "e"},
    )

    assert sorted({each.row for each in report.rejections}) == [1, 2, 3]
    assert await Entries(service, "product").ids() == ["d", "e"]


async def test_nothing_is_stored_when_all_or_nothing_is_asked_for(service: Service) -> None:
    before = await version_count(service)

    report = await upsert(service, {"product_id": "a"}, {"product_id": " b"}, atomic=True)

    assert counts(report) == (0, 1, 0)
    assert await Entries(service, "product").ids() == []
    assert await version_count(service) == before


async def test_a_deleted_product_comes_back(service: Service) -> None:
    products = Entries(service, "product")
    await products.create(product_id="oat", name="Oat")
    await products.delete(product_id="oat")

    report = await upsert(service, {"product_id": "oat", "name": "Oat"})

    back = await products.get(product_id="oat")
    assert counts(report) == (1, 0, 0)
    assert (back.HasField("deleted_at"), back.etag) == (False, "3")


async def test_the_same_rows_twice_change_nothing(service: Service) -> None:
    rows = [{"product_id": f"p{number:04}", "price": 1.5, "category": "dairy"} for number in range(1200)]
    await upsert(service, *rows)
    before = await version_count(service)

    report = await upsert(service, *rows)

    assert counts(report) == (0, 0, 1200)
    assert await version_count(service) == before


@pytest.mark.parametrize("count", [1001, 2000])
async def test_a_long_report_is_cut_and_says_so(service: Service, count: int) -> None:
    report = await upsert(service, *[{"product_id": " "}] * count)

    assert (report.rejected_count, len(report.rejections), report.truncated) == (count, 1000, True)


async def test_too_many_rows_are_refused_whole(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await upsert(service, *[{"product_id": f"p{number}"} for number in range(10_001)])

    assert facts_of(caught.value) == {"limit": "10000", "size": "10001"}
    assert await Entries(service, "product").ids() == []
