"""How the health of services and stores is asked for."""

from __future__ import annotations

import asyncio
import http.client
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis.exceptions import RedisError

from shelfcast_monitoring.domain.health import Finding, Health

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from shelfcast_servicekit.executor import BlockingExecutor

LIVE_PATH: Final = "/livez"
READY_PATH: Final = "/readyz"

_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_retries", 0),
)
_SERVING: Final = Finding(Health.SERVING)


class GrpcProbe:
    """Asks gRPC health v1, over a channel of its own without token, trace or retry."""

    def __init__(self, service: str, target: str) -> None:
        """Ask the server at `target`; call it on the running event loop."""
        self.service = service
        self._channel = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    async def look(self, timeout_seconds: float) -> Finding:
        """Give what the server says about itself as a whole."""
        try:
            answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=timeout_seconds)
        except grpc.aio.AioRpcError as error:
            return Finding(Health.UNREACHABLE, f"gRPC {error.code().name}")
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return _SERVING
        return Finding(Health.NOT_SERVING, "it starts or drains")

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


class GatewayProbe:
    """Asks the gateway whether it lives and whether it is ready."""

    def __init__(self, service: str, url: str, executor: BlockingExecutor) -> None:
        """Ask the gateway at `url`, for instance http://127.0.0.1:8000, on a thread of `executor`."""
        self.service = service
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._executor = executor

    async def look(self, timeout_seconds: float) -> Finding:
        """Give what the gateway says."""
        return await self._executor.run(self._ask, timeout_seconds)

    def _ask(self, timeout_seconds: float) -> Finding:
        try:
            live = self._status(LIVE_PATH, timeout_seconds / 2)
            ready = self._status(READY_PATH, timeout_seconds / 2)
        except (OSError, http.client.HTTPException) as error:
            return Finding(Health.UNREACHABLE, f"HTTP: {type(error).__name__}")
        if (live, ready) == (200, 200):
            return _SERVING
        return Finding(Health.NOT_SERVING, f"{LIVE_PATH} {live}, {READY_PATH} {ready}")

    def _status(self, path: str, timeout_seconds: float) -> int:
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=timeout_seconds)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


class RedisProbe:
    """Asks Redis for a PONG."""

    def __init__(self, service: str, client: Redis) -> None:
        """Ask through a client of its own, which does not retry."""
        self.service = service
        self._client = client

    async def look(self, timeout_seconds: float) -> Finding:
        """Give what Redis says. Raises: TimeoutError when it says nothing in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._client.ping()
        except (RedisError, OSError) as error:
            return Finding(Health.UNREACHABLE, f"Redis: {type(error).__name__}")
        return _SERVING

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()
