"""Reply streams and uploads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from shelfcast_testing.gateway_stack import Stack

WATCH = "/api/v1/jobs/job-1:watch"
IMPORTS = "/api/v1/imports"


async def test_stream_is_ndjson_by_default(stack: Stack) -> None:
    reply = await stack.client.get(WATCH)

    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert [line["done_count"] for line in lines] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("stack", [{"heartbeat_seconds": 0.1}], indirect=True)
async def test_stream_is_events_on_request_with_heartbeats(stack: Stack) -> None:
    stack.jobs.step_seconds = 0.25

    reply = await stack.client.get(WATCH, headers={"accept": "text/event-stream"})

    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.text.count("event: message") == 3
    assert "id: 3" in reply.text
    assert ": heartbeat" in reply.text


async def test_error_after_the_first_message_is_the_last_line(stack: Stack) -> None:
    stack.jobs.fails_after = 2

    reply = await stack.client.get(WATCH)

    last = json.loads(reply.text.splitlines()[-1])
    assert reply.status_code == 200
    assert last["code"] == "JOB_NOT_FOUND"


async def test_error_before_the_first_message_is_a_problem(stack: Stack) -> None:
    stack.jobs.fails_after = 0

    reply = await stack.client.get(WATCH)

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


async def test_form_that_is_not_offered_is_406(stack: Stack) -> None:
    reply = await stack.client.get(WATCH, headers={"accept": "image/png"})

    assert reply.status_code == 406
    assert "text/event-stream" in reply.json()["detail"]


async def test_reader_gone_ends_the_stream(stack: Stack) -> None:
    stack.jobs.step_seconds = 600.0
    async with stack.client.stream("GET", WATCH) as reply:
        await anext(reply.aiter_lines())

    await asyncio.wait_for(stack.jobs.ended.wait(), 60)


async def test_stream_ends_with_a_hint_when_the_gateway_drains(stack: Stack) -> None:
    stack.jobs.step_seconds = 5.0
    headers = {"accept": "text/event-stream"}
    async with stack.client.stream("GET", WATCH, headers=headers) as reply:
        lines = reply.aiter_lines()
        await anext(lines)
        stack.wired.stopping.set()
        rest = "\n".join([line async for line in lines])

    assert "retry: 1000" in rest
    assert "event: error" in rest


async def test_raw_upload_is_streamed_in_pieces_of_a_mebibyte(stack: Stack) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    reply = await stack.client.post(
        f'{IMPORTS}?file_name=sales.csv&dry_run=true&mapping={{"quantity":"units"}}',
        content=body(),
        headers={"content-type": "text/csv"},
    )

    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == "/api/v1/jobs/import-1"
    assert stack.imports.sizes == [1024 * 1024, 1024 * 1024, 512 * 1024]
    assert stack.imports.first is not None
    assert stack.imports.first.dry_run
    assert dict(stack.imports.first.mapping) == {"quantity": "units"}


async def test_multipart_upload_takes_parts_as_fields(stack: Stack) -> None:
    reply = await stack.client.post(
        IMPORTS,
        data={"shop_id": "north", "mapping": '{"quantity": "units"}'},
        files={"file": ("..\\x/sales.csv", b"date,quantity\n", "text/csv")},
    )

    assert reply.status_code == 202, reply.text
    assert stack.imports.first is not None
    assert stack.imports.first.shop_id == "north"
    assert stack.imports.first.file_name == "sales.csv"
    assert stack.imports.content == b"date,quantity\n"


@pytest.mark.parametrize(
    ("query", "kind", "status", "code"),
    [
        ("", "application/x-www-form-urlencoded", 415, "MEDIA_TYPE_UNSUPPORTED"),
        ("", "", 415, "MEDIA_TYPE_UNSUPPORTED"),
        ("?dry_run=1", "text/csv", 400, "FIELD_UNREADABLE"),
        ("?mapping=x", "text/csv", 400, "FIELD_UNREADABLE"),
        ("?data=x", "text/csv", 422, "UNKNOWN_FIELD"),
        ("", "multipart/form-data", 400, "BODY_MALFORMED"),
        ("", "multipart/form-data; boundary=x", 400, "BODY_MALFORMED"),
    ],
)
async def test_bad_uploads_are_refused(stack: Stack, query: str, kind: str, status: int, code: str) -> None:
    reply = await stack.client.post(f"{IMPORTS}{query}", content=b"a,b\n", headers={"content-type": kind})

    assert reply.status_code == status, reply.text
    assert reply.json()["code"] == code


async def test_form_without_a_file_names_the_part(stack: Stack) -> None:
    reply = await stack.client.post(IMPORTS, files={"shop_id": (None, b"north")})

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["pointer"] == "/file"


async def test_form_with_too_many_parts_is_413(stack: Stack) -> None:
    parts = {f"part{index}": (None, b"x") for index in range(1000)}

    reply = await stack.client.post(IMPORTS, files=parts)

    assert reply.status_code == 413


@pytest.mark.parametrize("stack", [{"max_upload_bytes": 1000}], indirect=True)
@pytest.mark.parametrize("is_declared", [True, False])
async def test_upload_over_the_limit_is_413_with_limit_and_size(stack: Stack, is_declared: bool) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 600

    content = b"x" * 1800 if is_declared else body()
    reply = await stack.client.post(IMPORTS, content=content, headers={"content-type": "text/csv"})

    assert reply.status_code == 413
    assert reply.json()["limit"] == 1000
    assert reply.json()["size"] > 1000


async def test_client_gone_in_mid_upload_cancels_the_call(stack: Stack) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    key = stack.client.headers["authorization"]
    head = f"POST {IMPORTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Type: text/csv\r\n"
    writer.write(head.encode() + b"Content-Length: 9000000\r\n\r\n" + b"x" * 3_000_000)
    await writer.drain()
    for _ in range(200):
        if stack.imports.sizes:
            break
        await asyncio.sleep(0.05)

    writer.close()

    await asyncio.wait_for(stack.imports.is_cancelled.wait(), 10)
