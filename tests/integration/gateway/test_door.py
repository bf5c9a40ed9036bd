"""Cache, limits, idempotency, conditional requests, and what happens when parts are gone."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shelfcast.common.v1 import provenance_pb2
from shelfcast_servicekit.errors import FieldRuleViolated
from shelfcast_testing.gateway_stack import Stack

FORECAST = "/api/v1/forecast/oat-milk-1l?shop_id=north&horizon=3"
LIMITED = {"read_rate_per_second": 0.5, "read_burst": 2}


async def test_new_data_version_makes_a_new_reply(stack: Stack) -> None:
    await stack.client.get(FORECAST)
    stack.announce(data_version="dv-2")
    stack.forecasts.data_version = "dv-2"

    second = await stack.client.get(FORECAST)

    assert second.json()["data_version"] == "dv-2"
    assert len(stack.forecasts.requests) == 2


async def test_reply_of_an_older_version_than_the_announced_one_is_not_kept(stack: Stack) -> None:
    stack.announce(data_version="dv-2")

    await stack.client.get(FORECAST)
    await stack.client.get(FORECAST)

    assert len(stack.forecasts.requests) == 2


async def test_reply_from_a_lower_rung_is_not_kept(stack: Stack) -> None:
    stack.forecasts.rung = provenance_pb2.RUNG_NAIVE

    await stack.client.get(FORECAST)
    await stack.client.get(FORECAST)

    assert len(stack.forecasts.requests) == 2


async def test_many_who_miss_at_once_share_one_call(stack: Stack) -> None:
    stack.forecasts.delay_seconds = 0.2

    replies = await asyncio.gather(*(stack.client.get(FORECAST) for _ in range(10)))

    assert {reply.status_code for reply in replies} == {200}
    assert len(stack.forecasts.requests) == 1


async def test_last_good_reply_stands_in_while_the_service_is_away(stack: Stack) -> None:
    fresh = await stack.client.get(FORECAST)
    stack.announce(data_version="dv-2")
    await stack.servers["model"].drain(0)

    stale = await stack.client.get(FORECAST)

    assert stale.status_code == 200
    assert fresh.json()["rung"] == "champion"
    assert stale.json() == {**fresh.json(), "rung": "last_good"}
    assert stale.headers["cache-status"] == "shelfcast; fwd=stale"


async def test_without_a_last_good_reply_the_answer_is_503_with_retry_after(stack: Stack) -> None:
    await stack.servers["model"].drain(0)

    reply = await stack.client.get(FORECAST)

    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) >= 1


async def test_known_caller_still_gets_replies_while_the_data_service_is_away(stack: Stack) -> None:
    await stack.client.get(FORECAST)
    stack.wired.app.serve.admit.identities._keep_seconds = 0.0  # type: ignore[attr-defined]
    await stack.servers["data"].drain(0)

    reply = await stack.client.get(FORECAST)

    assert reply.status_code == 200


async def test_redis_gone_means_slower_and_never_wrong(stack: Stack) -> None:
    await stack.client.get(FORECAST)
    stack.redis.kill()

    replies = [await stack.client.get(FORECAST) for _ in range(5)]

    assert [reply.status_code for reply in replies] == [200] * 5
    assert all("ratelimit" in reply.headers for reply in replies)


async def test_frozen_redis_costs_no_error(stack: Stack) -> None:
    await stack.client.get(FORECAST)
    stack.redis.freeze()

    replies = [await stack.client.get(FORECAST) for _ in range(5)]
    stack.redis.thaw()

    assert [reply.status_code for reply in replies] == [200] * 5


@pytest.mark.parametrize("stack", [LIMITED], indirect=True)
async def test_caller_over_the_limit_gets_429_with_retry_after(stack: Stack) -> None:
    replies = [await stack.client.get(FORECAST) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[0].headers["ratelimit-policy"] == '"read";q=2;w=4'
    assert replies[2].json()["code"] == "RATE_LIMITED"
    assert 1 <= int(replies[2].headers["retry-after"]) <= 2


@pytest.mark.parametrize("stack", [LIMITED], indirect=True)
async def test_local_bucket_limits_while_redis_is_away(stack: Stack) -> None:
    stack.redis.kill()

    replies = [await stack.client.get(FORECAST) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]


async def test_same_idempotency_key_gives_the_stored_reply(stack: Stack) -> None:
    headers = {"idempotency-key": "order-66"}

    first = await stack.client.post("/api/v1/forecast/retrain", json={}, headers=headers)
    second = await stack.client.post("/api/v1/forecast/retrain", json={}, headers=headers)
    other = await stack.client.post("/api/v1/forecast/retrain", json={"seed": 2}, headers=headers)

    assert first.status_code == second.status_code == 202
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["location"] == "/api/v1/jobs/job-1"
    assert other.status_code == 422
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(stack.forecasts.requests) == 1
    assert stack.forecasts.metadata["idempotency-key"] == "order-66"


async def test_request_in_flight_is_409(stack: Stack) -> None:
    stack.forecasts.delay_seconds = 0.5
    headers = {"idempotency-key": "order-67"}
    first = asyncio.create_task(stack.client.post("/api/v1/forecast/retrain", json={}, headers=headers))
    await asyncio.sleep(0.2)

    second = await stack.client.post("/api/v1/forecast/retrain", json={}, headers=headers)

    assert second.status_code == 409
    assert second.json()["code"] == "REQUEST_IN_FLIGHT"
    assert (await first).status_code == 202


async def test_failed_request_leaves_no_record(stack: Stack) -> None:
    headers = {"idempotency-key": "order-68"}
    stack.forecasts.error = FieldRuleViolated()
    failed = await stack.client.post("/api/v1/forecast/retrain", json={}, headers=headers)
    stack.forecasts.error = None

    again = await stack.client.post("/api/v1/forecast/retrain", json={}, headers=headers)

    assert failed.status_code == 422
    assert again.status_code == 202


async def test_etag_and_not_modified(stack: Stack) -> None:
    first = await stack.client.get("/api/v1/products/oat")
    same = await stack.client.get("/api/v1/products/oat", headers={"if-none-match": first.headers["etag"]})
    cached = await stack.client.get(FORECAST)
    unchanged = await stack.client.get(FORECAST, headers={"if-none-match": cached.headers["etag"]})

    assert first.headers["etag"] == '"7"'
    assert (same.status_code, same.content) == (304, b"")
    assert unchanged.status_code == 304


async def test_patch_fills_mask_and_if_match_fills_etag(stack: Stack) -> None:
    reply = await stack.client.patch(
        "/api/v1/products/oat", json={"price": 1.29, "sku": None}, headers={"if-match": '"7"'}
    )

    request = stack.products.requests[-1]
    assert reply.headers["etag"] == '"8"'
    assert list(request.update_mask.paths) == ["price", "sku"]  # type: ignore[attr-defined]
    assert request.product.etag == "7"  # type: ignore[attr-defined]


async def test_put_replaces_and_an_explicit_mask_wins(stack: Stack) -> None:
    await stack.client.put("/api/v1/products/oat", json={"name": "Oat"})
    await stack.client.patch("/api/v1/products/oat?update_mask=name,unit", json={"name": "Oat"})

    assert list(stack.products.requests[0].update_mask.paths) == ["*"]  # type: ignore[attr-defined]
    assert list(stack.products.requests[1].update_mask.paths) == ["name", "unit"]  # type: ignore[attr-defined]


async def test_delete_is_204_without_body(stack: Stack) -> None:
    reply = await stack.client.delete("/api/v1/items/oat", headers={"if-match": '"3"'})

    assert (reply.status_code, reply.content) == (204, b"")
    assert stack.products.requests[-1].etag == "3"  # type: ignore[attr-defined]


async def test_head_is_get_without_body(stack: Stack) -> None:
    reply = await stack.client.head("/api/v1/products/oat")

    assert reply.status_code == 200
    assert reply.content == b""
    assert int(reply.headers["content-length"]) > 0


async def test_escaped_slash_colon_and_percent_belong_to_the_id(stack: Stack) -> None:
    for sent, meant in (
        ("a%2Fb", "a/b"),
        ("a%3Acancel", "a:cancel"),
        ("100%25", "100%"),
        ("a:b", "a:b"),
        ("a+b", "a+b"),
    ):
        await stack.client.get(f"/api/v1/products/{sent}")

        assert stack.products.requests[-1].product_id == meant  # type: ignore[attr-defined]


async def test_verb_is_no_part_of_the_id(stack: Stack) -> None:
    wrong = await stack.client.get("/api/v1/jobs/x:cancel")
    right = await stack.client.post("/api/v1/jobs/x:cancel")

    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert right.json()["job_id"] == "x"


async def test_nothing_a_client_sends_in_internal_headers_travels_on(stack: Stack) -> None:
    headers = {"x-tenant-id": "evil", "grpc-timeout": "1S", "x-shelfcast-token": "t", "te": "trailers"}

    await stack.client.get("/api/v1/products/oat", headers=headers)

    assert "evil" not in stack.products.metadata.values()
    assert "x-tenant-id" not in stack.products.metadata
    assert "x-shelfcast-token" not in stack.products.metadata


async def test_client_gone_cancels_the_call(stack: Stack) -> None:
    stack.products.delay_seconds = 3.0
    task = asyncio.create_task(stack.client.get("/api/v1/products/oat"))
    await asyncio.sleep(0.3)

    task.cancel()

    await asyncio.wait_for(stack.products.is_cancelled.wait(), 60)


async def test_reply_names_request_trace_and_timing(stack: Stack) -> None:
    named = await stack.client.get(FORECAST, headers={"x-request-id": "till-7:0001"})
    forged = await stack.client.get(FORECAST, headers={"x-request-id": "a b\tc"})

    assert named.headers["x-request-id"] == "till-7:0001"
    assert forged.headers["x-request-id"] != "a b\tc"
    assert "total;dur=" in named.headers["server-timing"]
    assert named.headers["x-content-type-options"] == "nosniff"


async def test_clients_trace_is_linked_and_never_continued(stack: Stack, spans: InMemorySpanExporter) -> None:
    theirs = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

    reply = await stack.client.get(FORECAST, headers={"traceparent": theirs, "tracestate": "x" * 5000})

    server = next(each for each in spans.get_finished_spans() if each.name.startswith("GET /api"))
    assert "a" * 32 not in reply.headers["traceparent"]
    assert f"{server.links[0].context.trace_id:032x}" == "a" * 32


async def test_one_trace_holds_gateway_redis_and_the_call(stack: Stack, spans: InMemorySpanExporter) -> None:
    reply = await stack.client.get(FORECAST)

    trace_id = int(reply.headers["traceparent"][3:35], 16)
    names = {each.name for each in spans.get_finished_spans() if each.context.trace_id == trace_id}
    assert "GET /api/v1/forecast/{product_id}" in names
    assert any("redis" in name for name in names)
    assert "shelfcast.forecast.v1.ForecastService/GetForecast" in names


async def test_large_bodies_are_compressed_on_request(stack: Stack) -> None:
    url = FORECAST.replace("horizon=3", "horizon=20")

    asked = await stack.client.get(url, headers={"accept-encoding": "gzip"})
    plain = await stack.client.get(url, headers={"accept-encoding": "identity"})

    assert asked.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert asked.content == plain.content


async def test_planning_route_reads_numbers_from_a_body(stack: Stack) -> None:
    body = {"daily_demand_mean": 5, "daily_demand_sd": 2.0, "lead_time_days": 3.0}

    reply = await stack.client.post("/api/v1/policies:stockLevel", json=body)

    assert reply.status_code == 200
    assert reply.json()["safety_stock"] == 1.0
