"""Sales, versions, snapshots and changes over gRPC, on both stores."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import grpc
import pyarrow as pa
import pytest
from shelfcast.sales.v1 import data_version_service_pb2 as versions_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.adapters.sql import sales_days
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_servicekit.engine import create_service_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from shelfcast.common.v1 import arrow_pb2

    from tests.integration.data.conftest import Service

HEADER = b"date,store,item,sales,price,promo,available\n"


def sale(**fields: Any) -> sale_pb2.Sale:  # noqa: ANN401 - fields of a message
    values: dict[str, Any] = {
        "shop_id": "s1",
        "product_id": "oat-milk-1l",
        "date": "2017-09-30",
        "quantity": 5.0,
    } | fields
    return sale_pb2.Sale(**values)


async def create(service: Service, **fields: Any) -> sale_pb2.Sale:  # noqa: ANN401 - fields of a message
    request = sale_service_pb2.CreateSaleRequest(sale=sale(**fields))
    return await service.sales.CreateSale(request, timeout=30, metadata=service.auth())


async def history(service: Service, **fields: Any) -> sale_service_pb2.ListSalesHistoryResponse:  # noqa: ANN401 - fields of a message
    request = sale_service_pb2.ListSalesHistoryRequest(**fields)
    return await service.sales.ListSalesHistory(request, timeout=30, metadata=service.auth())


async def version(service: Service) -> str:
    request = versions_pb2.GetCurrentDataVersionRequest()
    return (
        await service.versions.GetCurrentDataVersion(request, timeout=30, metadata=service.auth())
    ).data_version


async def table(chunks: AsyncIterable[arrow_pb2.ArrowChunk]) -> tuple[pa.Table, str]:
    data, summary = b"", None
    async for chunk in chunks:
        data += chunk.ipc
        if chunk.HasField("summary"):
            summary = chunk.summary
    assert summary is not None
    assert summary.sha256 == hashlib.sha256(data).hexdigest()
    with pa.ipc.open_stream(pa.BufferReader(data)) as reader:
        found = reader.read_all()
    assert summary.row_count == found.num_rows
    return found, summary.data_version


async def changes(service: Service, since: str) -> tuple[list[dict[str, Any]], str]:
    request = versions_pb2.ReadChangesRequest(since_data_version=since)
    found, at = await table(service.versions.ReadChanges(request, timeout=30, metadata=service.auth()))
    return found.to_pylist(), at


async def test_a_correction_is_a_new_version_of_the_same_sale(service: Service) -> None:
    first = await create(service, quantity=5.25, unit_price=1.29)
    between = datetime.now(UTC).isoformat()
    second = await create(service, quantity=7.5, is_promotion=True)

    now = (await history(service)).sales
    then = (await history(service, as_of=between)).sales

    assert first.sale_id == second.sale_id
    assert [(each.quantity, each.HasField("unit_price"), each.is_promotion) for each in now] == [
        (7.5, False, True)
    ]
    assert [(each.quantity, each.unit_price) for each in then] == [(5.25, 1.29)]
    assert await version(service) == "dv-2"


async def test_the_same_sale_again_changes_nothing(service: Service) -> None:
    await create(service)

    await create(service)

    assert await version(service) == "dv-1"


async def test_a_sale_is_corrected_and_withdrawn_by_its_id(service: Service) -> None:
    sale_id = (await create(service)).sale_id
    request = sale_service_pb2.UpdateSaleRequest(sale_id=sale_id, sale=sale(quantity=8))
    changed = await service.sales.UpdateSale(request, timeout=30, metadata=service.auth())
    delete = sale_service_pb2.DeleteSaleRequest(sale_id=sale_id)
    await service.sales.DeleteSale(delete, timeout=30, metadata=service.auth())

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.sales.DeleteSale(delete, timeout=30, metadata=service.auth())

    assert changed.quantity == 8
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert list((await history(service)).sales) == []
    rows, at = await changes(service, "dv-2")
    assert [(row["product_id"], row["quantity"]) for row in rows] == [("oat-milk-1l", None)]
    assert at == "dv-3"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"date": "2017-02-30"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"date": ""}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"quantity": float("nan")}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"quantity": float("inf")}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"quantity": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "x" * 10_000}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "batch"}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_bad_sale_is_refused(service: Service, fields: dict[str, Any], code: grpc.StatusCode) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service, **fields)

    assert caught.value.code() is code
    assert service.rows("SELECT COUNT(*) FROM sales") == [(0,)]
    assert service.rows("SELECT COUNT(*) FROM series") == [(0,)]


async def test_history_is_paged_in_the_order_of_shop_product_and_date(service: Service) -> None:
    rows = [
        f"2017-{m:02d}-{d:02d},s{s},p{p},{m},,,\n"
        for s in (2, 1)
        for p in (3, 1, 2)
        for m in (1, 2)
        for d in (1, 9)
    ]
    await service.load(HEADER + "".join(rows).encode())

    found, token = [], ""
    while True:
        page = await history(service, page_size=5, page_token=token)
        found += [(each.shop_id, each.product_id, each.date) for each in page.sales]
        token = page.next_page_token
        if not token:
            break

    assert len(found) == 24
    assert found == sorted(found)


async def test_a_history_of_more_than_a_million_characters_comes_whole(service: Service) -> None:
    days = [date(1980, 1, 1) + timedelta(days=place) for place in range(15_000)]
    await service.load(
        HEADER + "".join(f"{day},s1,p1,{place},,,\n" for place, day in enumerate(days)).encode()
    )

    found: dict[str, float] = {}
    token = ""
    while True:
        page = await history(service, shop_id="s1", product_id="p1", page_size=1000, page_token=token)
        found |= {each.date: each.quantity for each in page.sales}
        token = page.next_page_token
        if not token:
            break

    assert found == {day.isoformat(): float(place) for place, day in enumerate(days)}


async def test_a_series_too_long_for_one_text_is_read_row_by_row(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("01", "02", "03"):
        await create(service, date=f"2017-10-{day}", quantity=2.25, unit_price=1.5, was_available=False)
    await create(service, date="2017-10-02", quantity=7.0, is_promotion=True)
    wanted = {"shop_id": "s1", "product_id": "oat-milk-1l", "page_size": 2}
    whole = await history(service, **wanted)
    rest = await history(service, **wanted, page_token=whole.next_page_token)
    monkeypatch.setattr(sales_days, "MOST_ROWS", 1)

    again = await history(service, **wanted, start="2017-01-01")  # not remembered
    after = await history(service, **wanted, start="2017-01-01", page_token=again.next_page_token)

    assert list(again.sales) == list(whole.sales)
    assert list(after.sales) == list(rest.sales)


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
@pytest.mark.mysql
@pytest.mark.parametrize("longest", [150, 151, 152, 153, 500])
async def test_a_text_that_the_server_cuts_off_is_not_taken_for_the_whole(
    service: Service, longest: int
) -> None:
    for day in range(1, 9):
        await create(service, date=f"2017-10-{day:02d}")
    engine = create_service_engine(service.settings.database_url)
    wanted = ("s1", "oat-milk-1l"), (date.min, date.max)
    with warnings.catch_warnings(), engine.connect() as connection:
        warnings.simplefilter("ignore")  # PyMySQL's, which says that it was cut off
        view = DataTx(connection).versions("acme").view()
        whole = sales_days.days_of(connection, view, *wanted)
        connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {longest}")

        cut = sales_days.days_of(connection, view, *wanted)
    engine.dispose()

    assert whole is not None
    assert len(list(whole)) == 8
    assert cut is None


async def test_history_is_summed_by_week_and_month_across_pages(service: Service) -> None:
    rows = [f"2017-{m:02d}-{d:02d},s1,p1,1,,,\n" for m in (1, 2, 3) for d in range(1, 29)]
    await service.load(HEADER + "".join(rows).encode())

    first = await history(service, granularity=sale_service_pb2.GRANULARITY_MONTH, page_size=2)
    second = await history(
        service, granularity=sale_service_pb2.GRANULARITY_MONTH, page_size=2, page_token=first.next_page_token
    )
    weeks = await history(
        service, granularity=sale_service_pb2.GRANULARITY_WEEK, start="2017-01-02", end="2017-01-15"
    )

    assert [(each.date, each.quantity) for each in (*first.sales, *second.sales)] == [
        ("2017-01-01", 28.0), ("2017-02-01", 28.0), ("2017-03-01", 28.0),
    ]  # fmt: skip
    assert [(each.date, each.quantity, each.day_count, each.sale_id) for each in weeks.sales] == [
        ("2017-01-02", 7.0, 7, ""), ("2017-01-09", 7.0, 7, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("granularity", ["week", "month"])
async def test_a_period_sums_the_days_that_have_a_sale(service: Service, granularity: str) -> None:
    dates = [date(2015, 12, 20) + timedelta(days=2 * number) for number in range(60)]
    rows = [
        f"{day},s{number % 2},p,{number}.25,{1 + number // 20}.5,{number // 9 % 2},\n"
        for number, day in enumerate(dates)
    ]
    await service.load(HEADER + "".join(rows).encode())
    before = datetime.now(UTC).isoformat()
    await create(service, shop_id="s0", product_id="p", date="2015-12-24", quantity=-700, is_return=True)
    gone = await create(service, shop_id="s1", product_id="p", date="2015-12-22", quantity=1)
    request = sale_service_pb2.DeleteSaleRequest(sale_id=gone.sale_id)
    await service.sales.DeleteSale(request, timeout=30, metadata=service.auth())

    for as_of in ({}, {"as_of": before}):
        days = (await history(service, page_size=1000, **as_of)).sales
        found: list[sale_pb2.Sale] = []
        token = ""
        while token or not found:
            value = getattr(sale_service_pb2, f"GRANULARITY_{granularity.upper()}")
            page = await history(service, granularity=value, page_size=3, page_token=token, **as_of)
            found += page.sales
            token = page.next_page_token

        assert [summary(each) for each in found] == expected(days, granularity)


def summary(row: sale_pb2.Sale) -> tuple[object, ...]:
    known = [
        getattr(row, name) if row.HasField(name) else None
        for name in ("unit_price", "is_promotion", "was_available", "day_count")
    ]
    return (row.shop_id, row.date, row.quantity, row.is_return, row.recorded_at.ToJsonString(), *known)


def expected(days: Iterable[sale_pb2.Sale], granularity: str) -> list[tuple[object, ...]]:
    """Give the summaries of periods, summed up by hand."""

    def place(row: sale_pb2.Sale) -> tuple[str, str]:
        day = date.fromisoformat(row.date)
        first = day - timedelta(days=day.weekday()) if granularity == "week" else day.replace(day=1)
        return row.shop_id, first.isoformat()

    periods = []
    for (shop_id, first), group in groupby(days, place):
        rows = list(group)
        total = sum(row.quantity for row in rows)
        recorded_at = max(row.recorded_at.ToJsonString() for row in rows)
        common = [
            values.pop() if len(values) == 1 else None
            for values in (
                {getattr(row, name) if row.HasField(name) else None for row in rows}
                for name in ("unit_price", "is_promotion", "was_available")
            )
        ]
        periods.append((shop_id, first, total, total < 0, recorded_at, *common, len(rows)))
    return periods


async def test_a_sale_that_comes_between_two_pages_makes_no_second_part_of_a_week(service: Service) -> None:
    await service.load(HEADER + b"2017-01-02,s1,p1,1,,,\n2017-01-09,s1,p1,1,,,\n")
    week = sale_service_pb2.GRANULARITY_WEEK

    first = await history(service, granularity=week, page_size=1)
    await create(service, shop_id="s1", product_id="p1", date="2017-01-05")
    second = await history(service, granularity=week, page_size=1, page_token=first.next_page_token)

    assert [each.date for each in second.sales] == ["2017-01-09"]


async def test_a_reversed_range_is_refused(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await history(service, start="2017-02-01", end="2017-01-01")

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_overlapping_file_repeats_corrects_and_adds(service: Service) -> None:
    await service.load(HEADER + b"2017-01-01,s,p,5,1.5,1,1\n2017-01-02,s,p,6,1.5,0,1\n2017-01-03,s,q,1,,,\n")

    done = await service.load(
        b"date,store,item,sales\n2017-01-01,s,p,5\n2017-01-02,s,p,9\n2017-01-04,s,p,1\n"
    )

    assert (done.report.accepted_count, done.report.repeated_count) == (2, 1)
    rows, _ = await changes(service, "dv-1")
    assert [(row["date"].day, row["quantity"], row["unit_price"], row["is_promotion"]) for row in rows] == [
        (2, 9.0, 1.5, False),
        (4, 1.0, None, None),
    ]


@pytest.mark.parametrize("since", ["dv-7", "7", "dv--1"])
async def test_changes_since_an_unknown_version_are_refused(service: Service, since: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await changes(service, since)

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_changes_since_the_newest_version_are_none(service: Service) -> None:
    await create(service)

    assert await changes(service, "dv-1") == ([], "dv-1")
