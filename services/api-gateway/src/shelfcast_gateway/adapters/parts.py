"""The health of the parts behind the door, asked in the background so that probes add no load."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry import trace
from opentelemetry.context import attach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from redis.asyncio import Redis
from redis.exceptions import RedisError

EVERY_SECONDS: Final = 2.0
TIMEOUT_SECONDS: Final = 1.0
SERVING: Final = "serving"
UNREACHABLE: Final = "unreachable"
INDISPENSABLE: Final = frozenset({"data"})
"""Without the data service nobody can be identified and nothing can be written."""


class Parts:
    """Last seen health of every service and of Redis."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], redis: Redis) -> None:
        """channels: by short name of the service."""
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}
        self._redis = redis
        self.states: dict[str, str] = dict.fromkeys([*self._stubs, "redis"], "unknown")

    @property
    def is_ready(self) -> bool:
        """Whether the gateway can do its work at some rung."""
        return all(self.states[name] == SERVING for name in INDISPENSABLE)

    @property
    def degraded(self) -> list[str]:
        """Give the names of parts that do not serve, sorted."""
        return sorted(name for name, state in self.states.items() if state != SERVING)

    async def renew(self) -> None:
        """Ask all parts once."""
        names = list(self._stubs)
        answers = await asyncio.gather(self._ping(), *(self._ask(name) for name in names))
        self.states.update(zip(["redis", *names], answers, strict=True))

    async def run(self) -> None:
        """Ask again and again until cancelled; a background task of the gateway."""
        unsampled = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(0))
        attach(trace.set_span_in_context(NonRecordingSpan(unsampled)))  # probes leave no traces
        while True:
            await self.renew()
            await asyncio.sleep(EVERY_SECONDS)

    async def _ask(self, name: str) -> str:
        try:
            reply = await self._stubs[name].Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError:
            return UNREACHABLE
        is_serving = reply.status == health_pb2.HealthCheckResponse.SERVING
        return SERVING if is_serving else "not_serving"

    async def _ping(self) -> str:
        try:
            await self._redis.ping()
        except (RedisError, OSError, TimeoutError):
            return UNREACHABLE
        return SERVING
