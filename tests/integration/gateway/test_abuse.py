"""What a hostile or broken client sends: answered fast, never with a 500."""

from __future__ import annotations

import asyncio

import pytest
from shelfcast_gateway.entrypoints import server
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_testing.gateway_stack import Stack

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"{" + b",".join(b'"k%d":1' % number for number in range(200_000)) + b"}",
        b'{"models":[' + b"1," * 500_000 + b"1]}",
        b'{"seed":' + b"9" * 100_000 + b"}",
        b'{"seed":1e308}',
        b'{"models":"' + b"a" * 1_000_000 + b'"}',
    ],
)
async def test_monstrous_bodies_are_refused_and_nobody_waits(stack: Stack, body: bytes) -> None:
    task = asyncio.create_task(stack.client.post("/api/v1/forecast/retrain", content=body, headers=JSON))
    await asyncio.sleep(0)
    reply = await task

    assert reply.status_code in {400, 422}
    assert 1 <= len(reply.json()["errors"]) <= 1000 or reply.json()["code"] == "BODY_MALFORMED"


@pytest.mark.parametrize(
    "product_id", ["x" * 10_000, "%00", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%E2%80%AE", "'%20OR%201=1"]
)
async def test_strange_ids_reach_the_service_as_they_are(stack: Stack, product_id: str) -> None:
    reply = await stack.client.get(f"/api/v1/products/{product_id}")

    assert reply.status_code in {200, 400, 422}


async def test_connection_without_a_whole_head_is_cut(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    writer.write(b"GET /livez HTTP/1.1\r\nX-Slow: ")

    reply = await asyncio.wait_for(reader.read(), 60)

    assert b"400 Bad Request" in reply
    writer.close()


async def test_breaker_answers_at_once_after_failures_in_a_row(stack: Stack) -> None:
    stack.products.error = UpstreamUnavailable(service="data")
    for _ in range(5):
        await stack.client.get("/api/v1/products/oat")
    calls = len(stack.products.requests)

    reply = await stack.client.get("/api/v1/products/oat")

    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) >= 1
    assert len(stack.products.requests) == calls


async def test_refusals_of_a_service_do_not_open_the_breaker(stack: Stack) -> None:
    for _ in range(8):
        await stack.client.get("/api/v1/forecast/unknown?shop_id=north")

    reply = await stack.client.get("/api/v1/forecast/oat?shop_id=north")

    assert reply.status_code == 200


async def test_deadline_of_the_call_is_the_declared_one(stack: Stack) -> None:
    await stack.client.get("/api/v1/products/oat", headers={"grpc-timeout": "1m"})

    assert 0.001 < stack.products.remaining_seconds < 5.5


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_idempotency_key_must_be_printable_and_short(stack: Stack, method: str) -> None:
    path = "/api/v1/products" if method == "POST" else "/api/v1/products/oat"

    reply = await stack.client.request(method, path, json={}, headers={"idempotency-key": "x" * 300})

    assert reply.status_code == 422
    assert stack.products.requests == []


async def test_options_tell_the_methods(stack: Stack) -> None:
    reply = await stack.client.options("/api/v1/products/oat")

    assert reply.status_code == 204
    assert reply.headers["allow"] == "DELETE, GET, HEAD, PATCH, PUT"
