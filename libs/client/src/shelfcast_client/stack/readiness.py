"""Whether the services of a stack serve."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shelfcast_client.stack.plan import StackPlan
from shelfcast_client.stack.port import HOST, is_listening

PROBE_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.1
GRPC_SERVICES: Final = ("monitoring", "data", "model", "planning")

Probe = Callable[[], Awaitable[bool]]


async def wait_until_ready(
    plan: StackPlan, timeout_seconds: float, on_ready: Callable[[str], None]
) -> frozenset[str]:
    """Wait for all services at once and tell each one that serves; give those that do not serve in time."""
    waiting = {
        name: asyncio.create_task(_until(getattr(plan.ports, name), probe, partial(on_ready, name)))
        for name, probe in probes(plan).items()
    }
    _, late = await asyncio.wait(waiting.values(), timeout=timeout_seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return frozenset(name for name, task in waiting.items() if task in late)


def probes(plan: StackPlan) -> dict[str, Probe]:
    """Give one question for each service; the answer says whether it serves."""
    asked: dict[str, Probe] = {"gateway": partial(gateway_serves, plan.base_url)}
    for name in GRPC_SERVICES:
        asked[name] = partial(grpc_serves, f"{HOST}:{getattr(plan.ports, name)}")
    return asked


async def gateway_serves(base_url: str) -> bool:
    """Tell whether a gateway is ready."""
    try:
        async with httpx.AsyncClient(base_url=base_url, timeout=PROBE_SECONDS) as client:
            return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False


async def grpc_serves(target: str) -> bool:
    """Tell whether a gRPC server says SERVING."""
    async with grpc.aio.insecure_channel(target) as channel:
        try:
            reply = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=PROBE_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


async def _until(port: int, probe: Probe, on_ready: Callable[[], None]) -> None:
    """Ask again and again; the full question is put only to a port that listens, as it costs 20 ms of CPU."""
    while not (is_listening(port) and await probe()):  # noqa: ASYNC110 - another process sets no event
        await asyncio.sleep(PAUSE_SECONDS)
    on_ready()
