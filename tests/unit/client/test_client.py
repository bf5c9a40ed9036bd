from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import httpx
import pandas as pd
import pytest
from shelfcast_client import (
    ForecastOptions,
    ImportOptions,
    JobCancelled,
    JobFailed,
    RequestRefused,
    RetryPolicy,
    ServiceUnreachable,
    ShelfcastClient,
    TrainOptions,
    WaitExpired,
)
from shelfcast_client.refusals import ProductNotFound

Answer = Callable[[httpx.Request], httpx.Response]
QUICK = RetryPolicy(attempt_count=3, first_wait_seconds=0.001)
JOB = {"job_id": "4be0643f-1d98-473b-97cd-ca98a65347dd", "kind": "import", "status": "pending"}
FORECAST = {
    "product_id": "oat-milk-1l",
    "shop_id": "berlin-mitte",
    "quantile_levels": [],
    "predictions": [
        {"date": "2026-07-01", "predicted_qty": 2.0, "lower_ci": 1.0, "upper_ci": 3.0, "quantiles": []}
    ],
    "rung": "champion",
}


class FakeGateway:
    """Answers by path from a list of answers, and remembers what was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self._answers: dict[str, list[httpx.Response]] = {}

    def answer(self, path: str, *replies: httpx.Response) -> None:
        self._answers[path] = list(replies)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        self.requests.append(request)
        waiting = self._answers[request.url.raw_path.decode().partition("?")[0]]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
async def client(gateway: FakeGateway) -> AsyncIterator[ShelfcastClient]:
    transport = httpx.MockTransport(gateway)
    async with ShelfcastClient("http://shop", "sk_demo", retries=QUICK, transport=transport) as opened:
        yield opened


async def test_every_call_carries_the_credential(gateway: FakeGateway, client: ShelfcastClient) -> None:
    gateway.answer("/api/v1/jobs/j-1", httpx.Response(200, json=JOB))

    await client.job("j-1")

    assert gateway.requests[0].headers["authorization"] == "Bearer sk_demo"


async def test_an_id_with_a_slash_stays_one_segment(gateway: FakeGateway, client: ShelfcastClient) -> None:
    gateway.answer("/api/v1/forecast/milk%2F1l", httpx.Response(200, json=FORECAST))

    frame = await client.forecast("milk/1l", "berlin-mitte")

    assert len(frame) == 1


async def test_a_forecast_asks_for_what_was_chosen(gateway: FakeGateway, client: ShelfcastClient) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"traceparent": trace, "cache-status": "shelfcast; hit"}
    gateway.answer("/api/v1/forecast/oat-milk-1l", httpx.Response(200, json=FORECAST, headers=headers))

    frame = await client.forecast(
        "oat-milk-1l", "berlin-mitte", 28, ForecastOptions(quantiles=(0.1, 0.9), model="gru")
    )

    assert sorted(gateway.requests[0].url.params.multi_items()) == [
        ("horizon", "28"),
        ("model", "gru"),
        ("quantiles", "0.1"),
        ("quantiles", "0.9"),
        ("shop_id", "berlin-mitte"),
    ]
    assert frame.attrs == {"trace_id": trace.split("-")[1], "cache_status": "shelfcast; hit"}


async def test_a_batch_reads_all_pages(gateway: FakeGateway, client: ShelfcastClient) -> None:
    pages = [
        httpx.Response(200, json={"forecasts": [FORECAST], "next_page_token": "2"}),
        httpx.Response(200, json={"forecasts": [FORECAST], "next_page_token": ""}),
    ]
    gateway.answer("/api/v1/forecast/batch", *pages)

    frame = await client.forecast_batch(shop_ids=["berlin-mitte"])

    assert len(frame) == 2
    assert [json.loads(body).get("page_token") for body in gateway.bodies] == [None, "2"]


async def test_a_file_is_sent_again_whole_under_one_key(
    gateway: FakeGateway, client: ShelfcastClient, tmp_path: Path
) -> None:
    sales = tmp_path / "sales.csv"
    sales.write_bytes(b"date,quantity\n" * 200_000)
    gateway.answer("/api/v1/imports", httpx.Response(503, json={}), httpx.Response(202, json=JOB))

    job = await client.import_sales(sales, ImportOptions(mapping={"quantity": "units"}, is_dry_run=True))

    assert job.status == "pending"
    assert gateway.bodies == [sales.read_bytes()] * 2
    assert len({request.headers["idempotency-key"] for request in gateway.requests}) == 1
    query = gateway.requests[0].url.params
    assert (query["dry_run"], query["file_name"]) == ("true", "sales.csv")
    assert json.loads(query["mapping"]) == {"quantity": "units"}


async def test_a_url_is_handed_in(gateway: FakeGateway, client: ShelfcastClient) -> None:
    gateway.answer("/api/v1/imports:fetch", httpx.Response(202, json=JOB))

    options = ImportOptions(shop_id="s1", pipeline="till")
    job = await client.fetch_import("https://files.example.com/a.csv", options)

    assert job.status == "pending"
    assert json.loads(gateway.bodies[0]) == {
        "url": "https://files.example.com/a.csv",
        "dry_run": False,
        "mapping": {},
        "mapping_name": "",
        "pipeline": "till",
        "shop_id": "s1",
    }


async def test_a_frame_is_sent_as_csv(gateway: FakeGateway, client: ShelfcastClient) -> None:
    gateway.answer("/api/v1/imports", httpx.Response(202, json=JOB))

    await client.import_sales(pd.DataFrame({"date": ["2026-06-30"], "quantity": [2]}))

    assert gateway.bodies == [b"date,quantity\n2026-06-30,2\n"]


async def test_a_missing_file_is_named(client: ShelfcastClient, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"sales\.csv"):
        await client.import_sales(tmp_path / "sales.csv")


async def test_a_training_sends_only_what_was_chosen(gateway: FakeGateway, client: ShelfcastClient) -> None:
    gateway.answer("/api/v1/forecast/retrain", httpx.Response(202, json={**JOB, "kind": "train"}))

    await client.train()
    await client.train(TrainOptions(models=["gru"], promote="force", seed=7))

    assert json.loads(gateway.bodies[0]) == {}
    assert json.loads(gateway.bodies[1]) == {"models": ["gru"], "promote": "force", "seed": 7}


async def test_the_reason_of_a_refusal_is_its_class(gateway: FakeGateway, client: ShelfcastClient) -> None:
    body = {"code": "PRODUCT_NOT_FOUND", "detail": "There is no product oat-milk-1l."}
    gateway.answer("/api/v1/forecast/oat-milk-1l", httpx.Response(404, json=body))

    with pytest.raises(ProductNotFound) as caught:
        await client.forecast("oat-milk-1l")

    assert caught.value.problem.status == 404


async def test_a_reason_of_a_newer_service_is_still_a_refusal(
    gateway: FakeGateway, client: ShelfcastClient
) -> None:
    gateway.answer("/api/v1/models", httpx.Response(409, json={"code": "MOON_IN_THE_WAY"}))

    with pytest.raises(RequestRefused) as caught:
        await client.models()

    assert caught.value.problem.reason == "MOON_IN_THE_WAY"


async def test_a_page_of_somebody_elses_proxy_is_a_refusal(
    gateway: FakeGateway, client: ShelfcastClient
) -> None:
    gateway.answer("/api/v1/models", httpx.Response(502, text="<html>Bad gateway</html>"))

    with pytest.raises(RequestRefused, match="Bad gateway"):
        await client.models()


async def test_nobody_at_the_address_is_told() -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    transport = httpx.MockTransport(nobody)
    async with ShelfcastClient("http://shop", "sk_demo", retries=QUICK, transport=transport) as client:
        with pytest.raises(ServiceUnreachable, match="http://shop"):
            await client.models()


async def test_waiting_tells_each_change_and_gives_the_result(
    gateway: FakeGateway, client: ShelfcastClient
) -> None:
    states = [
        {**JOB, "status": "processing", "phase": "loading", "done_count": 5, "total_count": 9},
        {**JOB, "status": "completed", "result": {"accepted_count": 9}},
    ]
    gateway.answer(f"/api/v1/jobs/{JOB['job_id']}", *[httpx.Response(200, json=state) for state in states])
    gateway.answer("/api/v1/imports", httpx.Response(202, json=JOB))
    seen: list[str] = []

    job = await client.wait(
        await client.import_sales(pd.DataFrame({"quantity": [1]})), lambda job: seen.append(job.phase)
    )

    assert job.result == {"accepted_count": 9}
    assert seen == ["", "loading", ""]


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (
            {"status": "failed", "error": {"code": "FILE_EMPTY", "detail": "The file holds no data row."}},
            JobFailed,
        ),
        ({"status": "cancelled"}, JobCancelled),
    ],
)
async def test_a_job_without_a_result_raises(
    gateway: FakeGateway, client: ShelfcastClient, ending: dict[str, object], error: type[Exception]
) -> None:
    gateway.answer("/api/v1/jobs/j-1", httpx.Response(200, json={**JOB, **ending}))

    with pytest.raises(error, match=r"FILE_EMPTY|cancelled"):
        await client.wait(await client.job("j-1"))


async def test_the_callers_patience_is_kept(gateway: FakeGateway, client: ShelfcastClient) -> None:
    gateway.answer("/api/v1/jobs/j-1", httpx.Response(200, json={**JOB, "job_id": "j-1"}))

    with pytest.raises(WaitExpired):
        await client.wait(await client.job("j-1"), timeout_seconds=0.2)


async def test_the_report_of_an_import_lists_the_refused_rows(
    gateway: FakeGateway, client: ShelfcastClient
) -> None:
    row = {"row": 3, "pointer": "date", "value": "2017-02-30", "rule": "date.form", "detail": "no such day"}
    body = {
        "import_id": "i-1",
        "status": "completed",
        "report": {"accepted_count": 2, "rejected_count": 1, "repeated_count": 0, "rejections": [row]},
        "data_version": "dv-1",
        "repeated_import_id": None,
    }
    gateway.answer("/api/v1/imports/i-1", httpx.Response(200, json=body))

    report = await client.import_report("i-1")

    assert (report.accepted_count, report.rejected_count, report.data_version) == (2, 1, "dv-1")
    assert report.rejections.to_dict("records") == [row]


async def test_refused_rows_are_saved_as_they_come(
    gateway: FakeGateway, client: ShelfcastClient, tmp_path: Path
) -> None:
    sent = b"date,sales,refused_because\n2017-02-30,5,date.calendar\n"
    gateway.answer("/api/v1/imports/i-1/rejects.csv", httpx.Response(200, content=sent))

    saved = await client.save_rejects("i-1", tmp_path / "rejects.csv")

    assert saved.read_bytes() == sent
    assert names_in(tmp_path) == ["rejects.csv"]


async def test_a_download_that_breaks_off_is_made_again_whole(
    gateway: FakeGateway, client: ShelfcastClient, tmp_path: Path
) -> None:
    whole = b"date,sales,refused_because\n2017-02-30,5,date.calendar\n"

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield whole[:20]
            raise httpx.ReadError("the connection is gone")

    path = "/api/v1/imports/i-1/rejects.csv"
    gateway.answer(path, httpx.Response(200, stream=Broken()), httpx.Response(200, content=whole))

    saved = await client.save_rejects("i-1", tmp_path / "rejects.csv")

    assert saved.read_bytes() == whole
    assert names_in(tmp_path) == ["rejects.csv"]


async def test_no_reject_file_is_a_refusal_and_leaves_nothing(
    gateway: FakeGateway, client: ShelfcastClient, tmp_path: Path
) -> None:
    body = {"code": "REJECT_FILE_ABSENT", "detail": "no row was refused", "status": 404}
    gateway.answer("/api/v1/imports/i-1/rejects.csv", httpx.Response(404, json=body))

    with pytest.raises(RequestRefused, match="no row"):
        await client.save_rejects("i-1", tmp_path / "rejects.csv")

    assert names_in(tmp_path) == []


async def test_an_export_takes_its_form_from_the_file(
    gateway: FakeGateway, client: ShelfcastClient, tmp_path: Path
) -> None:
    gateway.answer("/api/v1/exports/sales.xlsx", httpx.Response(200, content=b"PK"))

    saved = await client.export("sales", tmp_path / "Sales.XLSX", shop_id="s1", start=date(2017, 1, 2))

    assert saved.read_bytes() == b"PK"
    assert dict(gateway.requests[-1].url.params) == {"shop_id": "s1", "start": "2017-01-02"}


async def test_a_trace_is_read_as_a_tree(gateway: FakeGateway, client: ShelfcastClient) -> None:
    inner = {"service": "shelfcast-model", "name": "GetForecast", "duration_seconds": 0.004, "children": []}
    root = {"service": "shelfcast-gateway", "name": "GET", "duration_seconds": 0.01, "children": [inner]}
    body = {"trace_id": "ab", "duration_seconds": 0.01, "services": ["shelfcast-gateway"], "roots": [root]}
    gateway.answer("/api/v1/traces/ab", httpx.Response(200, json=body))

    trace = await client.trace("ab")

    assert [span.service for span in trace.walk()] == ["shelfcast-gateway", "shelfcast-model"]
