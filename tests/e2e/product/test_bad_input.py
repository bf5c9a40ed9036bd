"""What nobody should send, through the front door of the running product."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from shelfcast_testing.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HEADER = "date,shop_id,product_id,quantity\n"
ROW = "2025-01-01,kiosk,gum,3\n"
MIB = 1024 * 1024

FILES = {
    "an empty file": (b"", 422, "FILE_EMPTY", "row"),
    "no rows": (HEADER.encode(), 422, "FILE_EMPTY", "row"),
    "a missing column": (b"date,shop_id,product_id\n2025-01-01,a,b\n", 422, "COLUMN_MISSING", "quantity"),
    "a wrong delimiter": ((HEADER + ROW).replace(",", "^").encode(), 422, "DELIMITER_WRONG", "comma"),
    "UTF-16": ((HEADER + ROW).encode("utf-16"), 422, "ENCODING_UNSUPPORTED", "UTF-8"),
    "a bomb": (
        gzip.compress((HEADER + ROW * 4_000_000).encode()),
        413,
        "EXPANSION_TOO_LARGE",
        "parts",
    ),
}
ROWS = {
    "2017-02-30,kiosk,gum,3": "date",
    "2025-01-02,kiosk,gum,three": "quantity",
    "2025-01-03,kiosk,gum,NaN": "quantity",
    "2025-01-04,kiosk,gum,Infinity": "quantity",
    "2025-01-05,kiosk,gum,-3": "quantity",
    f"2025-01-06,kiosk,{'x' * 10_000},3": "product_id",
}
REQUESTS = {
    "horizon 0": ("GET", "/api/v1/forecast/oat-milk-1l?horizon=0", b"", 422, "/horizon"),
    "horizon 10,000": ("GET", "/api/v1/forecast/oat-milk-1l?horizon=10000", b"", 422, "/horizon"),
    "an unknown product": ("GET", "/api/v1/forecast/unheard-of", b"", 404, "unheard-of"),
    "an id with a slash": ("GET", "/api/v1/forecast/un%2Fheard", b"", 404, "un/heard"),
    "an id of 10,000": ("GET", f"/api/v1/forecast/{'x' * 10_000}", b"", 422, "/product_id"),
    "no JSON": ("POST", "/predict", b"{date: today}", 400, "line 1 column 2"),
    "a list": ("POST", "/api/v1/forecast/batch", b"[]", 400, "JSON object"),
    "NaN": ("POST", "/api/v1/forecast/batch", b'{"horizon": NaN}', 400, "column"),
}


@pytest.fixture
async def http(trained: Product) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {trained.key}"}
    async with httpx.AsyncClient(base_url=trained.address["url"], headers=headers, timeout=60) as opened:
        yield opened


async def post_file(http: httpx.AsyncClient, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
    return await http.post("/api/v1/imports", content=content, headers={"content-type": "text/csv"})


def assert_problem(reply: httpx.Response, status: int, place: str) -> None:
    problem = reply.json()
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), problem
    assert problem["hint"]
    assert problem["trace_id"]
    assert place in reply.text


@pytest.mark.parametrize("name", FILES)
async def test_a_bad_file_is_refused_whole(http: httpx.AsyncClient, name: str) -> None:
    content, status, code, remedy = FILES[name]
    before = (await http.get("/api/v1/data-versions/current")).json()

    reply = await post_file(http, content)

    assert_problem(reply, status, remedy)
    assert reply.json()["code"] == code
    assert (await http.get("/api/v1/data-versions/current")).json() == before


@pytest.mark.parametrize("turn", range(3))
async def test_a_line_without_end_is_cut_off(http: httpx.AsyncClient, turn: int) -> None:
    """Several times: the refusal races with what is still being sent."""
    del turn
    sent = 0

    async def line() -> AsyncIterator[bytes]:
        nonlocal sent
        yield HEADER.encode()
        for _ in range(2048):
            sent += 1
            yield b"a" * MIB

    try:
        reply = await post_file(http, line())
    except httpx.WriteError:  # the server may close before it has read all
        pytest.fail(f"the reply was lost after {sent} MiB")

    assert_problem(reply, 422, "byte")
    assert reply.json()["code"] == "LINE_TOO_LONG"


async def test_each_bad_row_is_named_and_the_good_ones_are_taken(
    http: httpx.AsyncClient, trained: Product, tmp_path: Path
) -> None:
    http.headers["authorization"] = f"Bearer {(key := trained.new_key('careless'))}"
    path = tmp_path / "sales.csv"
    path.write_text("\n".join([HEADER.strip(), *ROWS, ROW.strip(), "2025-01-01,kiosk,gum,4"]))

    async with trained.client(key) as careless:
        job = await careless.wait(await careless.import_sales(path), timeout_seconds=60)

    report = (await http.get(f"/api/v1/imports/{job.job_id}")).json()["report"]
    rejections = (await http.get(f"/api/v1/imports/{job.job_id}/rejects")).json()["rejections"]
    assert (report["accepted_count"], report["rejected_count"]) == (1, len(ROWS) + 1)
    assert [(each["row"], each["pointer"]) for each in rejections[: len(ROWS)]] == list(
        enumerate(ROWS.values(), 1)
    )
    assert all(each["rule"] for each in rejections)


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_bad_request_is_told_its_place(http: httpx.AsyncClient, name: str) -> None:
    method, path, body, status, place = REQUESTS[name]

    reply = await http.request(method, path, content=body, headers={"content-type": "application/json"})

    assert_problem(reply, status, place)
