"""Public data sets through the public API: what is refused of them, and that nothing else is lost.

The folder of the sets is named by `SHELFCAST_TEST_RETAIL_DATA`; without it these tests are left out.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast_data.settings import MEBIBYTE, DataSettings

if TYPE_CHECKING:
    from shelfcast.ingestion.v1 import import_pb2

    from tests.integration.data.conftest import Service

FOLDER = os.environ.get("SHELFCAST_TEST_RETAIL_DATA")  # noqa: TID251 - tests have no settings
RECEIPTS = {"date": "InvoiceDate"}
STORED = """
SELECT r.product_id, COUNT(*), SUM(s.quantity), SUM(s.is_return)
FROM sales s JOIN series r USING (series_no) GROUP BY 1
"""

pytestmark = pytest.mark.skipif(FOLDER is None, reason="SHELFCAST_TEST_RETAIL_DATA names no folder")


@pytest.fixture
def settings(settings: DataSettings) -> DataSettings:
    return settings.model_copy(update={"import_chunk_bytes": 2 * MEBIBYTE})


def path_of(name: str) -> Path:
    return Path(FOLDER or ".") / name


async def rules_of(service: Service, done: import_pb2.Import) -> Counter[str]:
    """Count the refused rows of an import by rule."""
    found: Counter[str] = Counter()
    token = ""
    while True:
        request = import_service_pb2.ListImportRejectsRequest(
            import_id=done.import_id, page_size=1000, page_token=token
        )
        page = await service.imports.ListImportRejects(request, timeout=30, metadata=service.auth())
        found.update(each.rule for each in page.rejections)
        token = page.next_page_token
        if not token:
            return found


async def test_online_retail_is_added_up_by_day(service: Service) -> None:
    path = path_of("online_retail/online_retail.parquet")
    sound = pl.read_parquet(path).filter(pl.col("UnitPrice") >= 0)
    days = sound.group_by("StockCode", pl.col("InvoiceDate").dt.date()).agg(pl.col("Quantity").sum())

    done = await service.load(
        path.read_bytes(), file_name=path.name, mapping=RECEIPTS, shop_id="online", same_day="SAME_DAY_SUM"
    )

    expected = {
        product: (day_count, quantity, returned)
        for product, day_count, quantity, returned in days.group_by("StockCode")
        .agg(pl.len(), pl.col("Quantity").sum(), (pl.col("Quantity") < 0).sum().alias("returned"))
        .iter_rows()
    }
    found = {
        product: (int(day_count), int(quantity) // service.quantity_scale, int(returned))
        for product, day_count, quantity, returned in service.rows(STORED)
    }
    assert await rules_of(service, done) == {"unit_price.range": 2}
    assert (done.report.accepted_count, done.report.rejected_count) == (541_907, 2)
    assert found == expected
    assert sum(quantity for _, quantity, _ in found.values()) == 5_176_450 - 2


async def test_online_retail_without_adding_up_names_each_later_row(service: Service) -> None:
    path = path_of("online_retail/online_retail.parquet")
    sent = pl.read_parquet(path)
    good = sent.filter((pl.col("UnitPrice") >= 0) & (pl.col("Quantity") >= 0))
    day_count = good.select("StockCode", pl.col("InvoiceDate").dt.date()).unique().height

    done = await service.load(path.read_bytes(), mapping=RECEIPTS, shop_id="online")

    assert await rules_of(service, done) == {
        "unit_price.range": 2,
        "quantity.negative": sent.filter(pl.col("Quantity") < 0).height,
        "row.duplicate": good.height - day_count,
    }
    assert done.report.accepted_count == day_count


async def test_freshretailnet_keeps_its_stock_outs(service: Service) -> None:
    path = path_of("freshretailnet/sales_daily.parquet")
    sent = pl.read_parquet(path, columns=["sale_amount", "stock_hour6_22_cnt"])
    is_available = pl.col("stock_hour6_22_cnt") == 0

    done = await service.load(path.read_bytes(), file_name=path.name)

    query = "SELECT was_available, COUNT(*), SUM(quantity) FROM sales GROUP BY 1 ORDER BY 1"
    found = [
        (flag, count, float(quantity) / service.quantity_scale)
        for flag, count, quantity in service.rows(query)
    ]
    assert dict(done.mapping)["stock_out_hours"] == "stock_hour6_22_cnt"
    assert (done.report.accepted_count, done.report.rejected_count) == (sent.height, 0)
    assert [(flag, count) for flag, count, _ in found] == [
        (0, sent.filter(~is_available).height),
        (1, sent.filter(is_available).height),
    ]
    assert sum(quantity for *_, quantity in found) == pytest.approx(4_074_934.5, abs=0.1)
