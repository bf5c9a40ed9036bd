"""Bad requests: each gets a problem that names the place and the remedy."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from shelfcast_servicekit.status import RemoteError
from shelfcast_testing.gateway_stack import Stack
from shelfcast_testing.servicers import VIEWER_KEY

FORECAST = "/api/v1/forecast/oat-milk-1l"


def pointers(body: dict[str, list[dict[str, str]]]) -> list[str]:
    """Give the places of all faults."""
    return [each["pointer"] for each in body["errors"]]


@pytest.mark.parametrize(
    ("query", "status", "code", "places"),
    [
        ("horizon=abc", 400, "FIELD_UNREADABLE", ["/horizon"]),
        ("horizon=", 400, "FIELD_UNREADABLE", ["/horizon"]),
        ("horizon=1&horizon=2", 400, "FIELD_UNREADABLE", ["/horizon"]),
        ("horizon=99999999999", 422, "FIELD_RULE_VIOLATED", ["/horizon"]),
        ("horizon=0", 422, "FIELD_RULE_VIOLATED", ["/horizon"]),
        ("horizon=10000", 422, "FIELD_RULE_VIOLATED", ["/horizon"]),
        ("confidence_interval=NaN", 400, "FIELD_UNREADABLE", ["/confidence_interval"]),
        ("confidence_interval=Infinity", 400, "FIELD_UNREADABLE", ["/confidence_interval"]),
        ("confidence_interval=1e999", 400, "FIELD_UNREADABLE", ["/confidence_interval"]),
        ("hroizon=3", 422, "UNKNOWN_FIELD", ["/hroizon"]),
        ("product_id=other", 422, "UNKNOWN_FIELD", ["/product_id"]),
        ("shop_id=%FF", 400, "FIELD_UNREADABLE", ["/shop_id"]),
        ("horizon=x&colour=red", 400, "FIELD_UNREADABLE", ["/horizon", "/colour"]),
    ],
)
async def test_bad_parameters_are_all_named(
    stack: Stack, query: str, status: int, code: str, places: list[str]
) -> None:
    reply = await stack.client.get(f"{FORECAST}?{query}")

    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["code"] == code
    assert sorted(pointers(reply.json())) == sorted(places)
    assert reply.json()["hint"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BODY_MALFORMED"),
        (b"{", 400, "BODY_MALFORMED"),
        (b"not json", 400, "BODY_MALFORMED"),
        (b"[]", 400, "BODY_MALFORMED"),
        (b'{"date": NaN}', 400, "BODY_MALFORMED"),
        (b'{"date": "\xff"}', 400, "BODY_MALFORMED"),
        (b'{"date": "\\ud800"}', 400, "BODY_MALFORMED"),
        (b"[" * 100_000, 400, "BODY_MALFORMED"),
        (b"{}", 400, "FIELD_MISSING"),
        (b'{"date": 5, "store": 1, "item": 2}', 400, "FIELD_UNREADABLE"),
        (b'{"date": "2017-01-01", "store": 1, "item": 2, "x": 1}', 422, "UNKNOWN_FIELD"),
        (b'{"date": "2017-01-01", "store": 1, "item": null}', 400, "FIELD_MISSING"),
    ],
)
async def test_bad_bodies_are_refused(stack: Stack, body: bytes, status: int, code: str) -> None:
    reply = await stack.client.post("/predict", content=body, headers={"content-type": "application/json"})

    assert reply.status_code == status, reply.text
    assert reply.json()["code"] == code
    assert stack.predictions.requests == []


async def test_missing_members_are_all_named(stack: Stack) -> None:
    reply = await stack.client.post("/predict", json={})

    assert sorted(pointers(reply.json())) == ["/date", "/item", "/store"]


async def test_read_only_members_are_refused(stack: Stack) -> None:
    reply = await stack.client.post(
        "/api/v1/products", json={"name": "Oat", "created_at": "2026-01-01T00:00:00Z"}
    )

    assert reply.status_code == 422
    assert reply.json()["code"] == "READ_ONLY_FIELD"
    assert pointers(reply.json()) == ["/created_at"]


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=latin-1", ""])
async def test_wrong_content_type_is_415(stack: Stack, kind: str) -> None:
    reply = await stack.client.post("/predict", content=b"{}", headers={"content-type": kind})

    assert reply.status_code == 415
    assert "application/json" in reply.json()["hint"]


async def test_body_over_the_limit_is_413_with_limit_and_size(stack: Stack) -> None:
    body = b'{"date": "' + b"x" * (33 * 1024 * 1024) + b'"}'

    reply = await stack.client.post("/predict", content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 413
    assert reply.json()["limit"] == 32 * 1024 * 1024
    assert reply.json()["size"] == len(body)


async def test_gzip_bomb_is_stopped(stack: Stack) -> None:
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    reply = await stack.client.post("/predict", content=bomb, headers=headers)

    assert reply.status_code == 413


async def test_unknown_path_is_404_and_wrong_method_405_with_allow(stack: Stack) -> None:
    unknown = await stack.client.get("/api/v1/nothing")
    wrong = await stack.client.delete("/api/v1/forecast/oat-milk-1l")
    literal = await stack.client.get("/api/v1/forecast/retrain")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "ROUTE_NOT_FOUND")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
    assert (literal.status_code, literal.headers["allow"]) == (405, "POST")


async def test_trailing_slash_is_another_path(stack: Stack) -> None:
    reply = await stack.client.get("/api/v1/products/")

    assert reply.status_code == 404


async def test_missing_and_wrong_credentials_are_401_with_a_challenge(stack: Stack) -> None:
    missing = await stack.client.get(FORECAST, headers={"authorization": ""})
    basic = await stack.client.get(FORECAST, headers={"authorization": "Basic abc"})
    wrong = await stack.client.get(FORECAST, headers={"authorization": "Bearer sk_nobody00_x"})

    assert [each.status_code for each in (missing, basic, wrong)] == [401, 401, 401]
    assert all("Bearer" in each.headers["www-authenticate"] for each in (missing, basic, wrong))
    assert wrong.json()["code"] == "CREDENTIAL_INVALID"


async def test_missing_permission_is_403_and_named(stack: Stack) -> None:
    reply = await stack.client.get(FORECAST, headers={"authorization": f"Bearer {VIEWER_KEY}"})

    assert reply.status_code == 403
    assert "forecasts.read" in reply.json()["detail"]


async def test_unknown_product_is_the_services_404(stack: Stack) -> None:
    reply = await stack.client.get("/api/v1/forecast/unknown?shop_id=north")

    assert reply.status_code == 404
    assert reply.json()["code"] == "SERIES_NOT_FOUND"
    assert reply.json()["type"] == "/docs/errors#SERIES_NOT_FOUND"


async def test_text_of_an_unexpected_error_stays_inside(stack: Stack) -> None:
    stack.forecasts.error = ZeroDivisionError("secret table name")

    reply = await stack.client.get(FORECAST)

    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert reply.json()["trace_id"] in reply.headers["traceparent"]


async def test_number_that_is_not_finite_is_a_bug_and_never_sent(stack: Stack) -> None:
    stack.forecasts.value = float("nan")

    reply = await stack.client.get(FORECAST)

    assert reply.status_code == 500
    assert reply.json()["code"] == "INTERNAL"


async def test_both_kinds_of_resource_exhausted_differ(stack: Stack) -> None:
    stack.forecasts.error = RemoteError("RATE_LIMITED", retry_after_seconds=3.0)
    overload = await stack.client.get(FORECAST)
    stack.forecasts.error = RemoteError("PAYLOAD_TOO_LARGE", limit="10", size="11")
    too_large = await stack.client.get(FORECAST)

    assert (overload.status_code, overload.headers["retry-after"]) == (429, "3")
    assert too_large.status_code == 413
    assert "retry-after" not in too_large.headers


async def raw(stack: Stack, request: bytes) -> bytes:
    """Send bytes as they are and give what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    writer.write(request)
    await writer.drain()
    reply = await asyncio.wait_for(reader.read(65536), 60)
    writer.close()
    await writer.wait_closed()
    return reply


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NOT HTTP\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        (
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ],
)
async def test_bytes_that_are_no_http_get_a_problem(stack: Stack, request_bytes: bytes) -> None:
    reply = await raw(stack, request_bytes)

    assert reply.startswith(b"HTTP/1.1 400"), reply
    assert b"application/problem+json" in reply


async def test_path_that_is_no_utf8_is_400(stack: Stack) -> None:
    reply = await raw(stack, b"GET /api/v1/forecast/%FF HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert reply.startswith(b"HTTP/1.1 400"), reply


@pytest.mark.parametrize("header", [b"Authorization: Bearer ", b"Authorization: Bearer", b"X-API-Key: "])
async def test_an_empty_credential_is_a_missing_one(stack: Stack, header: bytes) -> None:
    request = b"GET /api/v1/products HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n"

    reply = await raw(stack, request)

    assert reply.startswith(b"HTTP/1.1 401"), reply
    assert b"CREDENTIAL_MISSING" in reply
