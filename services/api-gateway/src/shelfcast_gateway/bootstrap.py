"""Wires the gateway: contract, codec, channels, Redis, use cases, application."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from shelfcast_servicekit.auth import TokenMinter
from shelfcast_servicekit.cache import redis_client
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.lifecycle import end, measure_loop_lag
from shelfcast_servicekit.remote_api_key import RemoteApiKeyVerifier
from shelfcast_servicekit.status import reason_table
from shelfcast_servicekit.telemetry import setup_telemetry
from starlette.middleware.cors import CORSMiddleware

from shelfcast_gateway.adapters.comments import read_comments
from shelfcast_gateway.adapters.descriptors import bindings, public_methods
from shelfcast_gateway.adapters.identities import RememberedIdentities
from shelfcast_gateway.adapters.local_door import LocalDoor
from shelfcast_gateway.adapters.operation import Plans, RpcOperation
from shelfcast_gateway.adapters.parts import Parts
from shelfcast_gateway.adapters.redis_door import RedisDoor
from shelfcast_gateway.adapters.upstreams import Upstreams
from shelfcast_gateway.application.admit import Admit
from shelfcast_gateway.application.openapi import Contract, openapi
from shelfcast_gateway.application.serve import Serve
from shelfcast_gateway.domain.binding import Binding, RouteClass
from shelfcast_gateway.domain.rate_limit import Limit
from shelfcast_gateway.domain.route_table import RouteTable
from shelfcast_gateway.entrypoints.app import Asgi, GatewayApp, Limits
from shelfcast_gateway.entrypoints.download import Download
from shelfcast_gateway.entrypoints.server import DoorServer, make_server
from shelfcast_gateway.entrypoints.site import SiteContent, is_site_path, make_site
from shelfcast_gateway.entrypoints.streams import Watch
from shelfcast_gateway.entrypoints.upload import Upload
from shelfcast_gateway.settings import GatewaySettings

CODEC_THREADS: Final = 2
_LOG: Final = logging.getLogger("shelfcast.server")


@dataclass(frozen=True, slots=True)
class Gateway:
    """A wired gateway."""

    app: GatewayApp
    parts: Parts
    stopping: asyncio.Event
    """Set it when the gateway drains."""


def targets_of(settings: GatewaySettings) -> dict[str, str]:
    """Give the gRPC target of each service."""
    return {
        "data": settings.data_target,
        "model": settings.model_target,
        "planning": settings.planning_target,
        "monitoring": settings.monitoring_target,
    }


def limits_of(settings: GatewaySettings) -> dict[RouteClass, Limit]:
    """Give the rate limit of each route class."""
    return {
        "read": Limit("read", settings.read_rate_per_second, settings.read_burst),
        "write": Limit("write", settings.write_rate_per_second, settings.write_burst),
        "upload": Limit("upload", settings.upload_rate_per_second, settings.upload_burst),
    }


def operations_of(table: RouteTable, upstreams: Upstreams) -> dict[int, RpcOperation]:
    """Compile every binding. Raises: TypeNotMapped, KeyError when contract and code do not fit."""
    methods = public_methods()
    callables = {name: upstreams.method(method) for name, method in methods.items()}
    plans = Plans()

    def compiled(binding: Binding) -> RpcOperation:
        return RpcOperation(binding, methods[binding.rpc], plans, callables[binding.rpc])

    return {id(binding): compiled(binding) for binding in table.bindings}


def contract() -> Contract:
    """Give the contract as the stubs state it."""
    return Contract(bindings(), public_methods(), read_comments(), reason_table())


@cache
def document() -> bytes:
    """Give the OpenAPI document, made once."""
    return openapi(contract())


@contextlib.asynccontextmanager
async def gateway(settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """Give a wired gateway, and take it apart afterwards; on the running event loop."""
    table = RouteTable(bindings())
    upstreams = Upstreams(targets_of(settings), TokenMinter(settings.token_key()))
    redis = redis_client(settings.redis_url)
    executor = BlockingExecutor("gateway-codec", CODEC_THREADS)
    stopping = asyncio.Event()
    parts = Parts(upstreams.channels, redis)
    admit = Admit(
        RememberedIdentities(
            RemoteApiKeyVerifier(upstreams.channels["data"], settings.service_name),
            keep_seconds=settings.verdict_seconds,
            stale_seconds=settings.stale_verdict_seconds,
        ),
        RedisDoor(redis, LocalDoor()),
        limits_of(settings),
    )
    app = GatewayApp(
        table=table,
        operations=operations_of(table, upstreams),
        serve=Serve(admit, executor.run),
        watch=Watch(admit, settings.heartbeat_seconds, settings.stream_idle_seconds, stopping),
        upload=Upload(admit, settings.max_upload_bytes),
        download=Download(admit),
        site=make_site(SiteContent(document(), reason_table(), parts, stopping.is_set)),
        site_paths=is_site_path,
        limits=Limits(settings.max_body_bytes, settings.max_upload_bytes),
    )
    try:
        yield Gateway(app, parts, stopping)
    finally:
        await upstreams.close()
        await redis.aclose()
        await redis.connection_pool.disconnect()
        executor.close()


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain: the whole life of the gateway."""
    telemetry = setup_telemetry("api-gateway", settings)
    try:
        async with gateway(settings) as wired, _background(wired.parts.run, measure_loop_lag):
            server = make_server(
                with_origins(wired.app, settings.cors_origins),
                host=settings.bind_host,
                port=settings.port,
                drain_seconds=settings.drain_seconds,
            )
            _stop_on_signal(wired.stopping, server)
            gc.collect()
            gc.freeze()
            _LOG.info("gateway serves on %s:%s", settings.bind_host, settings.port)
            await server.serve()
    finally:
        telemetry.shutdown()


def with_origins(app: Asgi, origins: Sequence[str]) -> Asgi:
    """Let web pages of these origins call the API; without any the application stays as it is."""
    if not origins:
        return app
    allowed = CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "authorization",
            "x-api-key",
            "content-type",
            "if-match",
            "if-none-match",
            "idempotency-key",
        ],
        expose_headers=["etag", "location", "x-request-id", "traceparent", "ratelimit", "retry-after"],
    )
    return cast("Asgi", allowed)


def _stop_on_signal(stopping: asyncio.Event, server: DoorServer) -> None:
    """Let SIGTERM and SIGINT first end the streams, then the server."""

    def stop() -> None:
        stopping.set()
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


@contextlib.asynccontextmanager
async def _background(*work: Callable[[], Coroutine[object, object, None]]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(each()) for each in work}
        try:
            yield
        finally:
            await end(tasks)
