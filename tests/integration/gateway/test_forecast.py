"""The forecast route from HTTP to gRPC and back."""

from __future__ import annotations

from shelfcast_testing.gateway_stack import Stack


async def test_forecast_comes_from_the_service_and_then_from_the_cache(stack: Stack) -> None:
    first = await stack.client.get("/api/v1/forecast/oat-milk-1l?shop_id=north&horizon=3")
    second = await stack.client.get("/api/v1/forecast/oat-milk-1l?shop_id=north&horizon=3")

    assert first.status_code == 200, first.text
    assert first.json()["predictions"][0]["predicted_qty"] == 4.5
    assert first.json()["rung"] == "champion"
    assert first.headers["cache-status"] == "shelfcast; fwd=miss"
    assert second.headers["cache-status"] == "shelfcast; hit"
    assert second.content == first.content
    assert len(stack.forecasts.requests) == 1
