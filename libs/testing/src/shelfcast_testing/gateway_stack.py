"""A gateway over HTTP before real gRPC servers whose servicers the tests steer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import redis as sync_redis
from shelfcast.catalog.v1 import product_service_pb2_grpc
from shelfcast.forecast.v1 import forecast_service_pb2_grpc, prediction_service_pb2_grpc
from shelfcast.identity.v1 import api_key_service_pb2_grpc
from shelfcast.ingestion.v1 import import_service_pb2_grpc
from shelfcast.jobs.v1 import job_service_pb2_grpc
from shelfcast.planning.v1 import stock_level_service_pb2_grpc
from shelfcast_gateway.bootstrap import Gateway, gateway
from shelfcast_gateway.entrypoints.server import make_server
from shelfcast_gateway.settings import GatewaySettings
from shelfcast_servicekit.auth import ChainVerifier, TokenVerifier
from shelfcast_servicekit.server import Registration, RunningServer, start_server

from shelfcast_testing.redis_process import RedisProcess, free_port
from shelfcast_testing.servicers import (
    ADMIN_KEY,
    ApiKeys,
    Forecasts,
    Imports,
    Jobs,
    Predictions,
    Products,
    StockLevels,
)

KEY = "k" * 48


@dataclass(kw_only=True)
class Upstreams:
    """The servicers behind the gateway, and the servers that they stand in."""

    servers: dict[str, RunningServer] = field(default_factory=dict)
    api_keys: ApiKeys = field(default_factory=ApiKeys)
    forecasts: Forecasts = field(default_factory=Forecasts)
    products: Products = field(default_factory=Products)
    imports: Imports = field(default_factory=Imports)
    jobs: Jobs = field(default_factory=Jobs)
    predictions: Predictions = field(default_factory=Predictions)
    levels: StockLevels = field(default_factory=StockLevels)


@dataclass(kw_only=True)
class Stack(Upstreams):
    """Everything of one test: servers, servicers, gateway and a client with a good key."""

    base_url: str
    wired: Gateway
    redis: RedisProcess
    client: httpx.AsyncClient
    port: int

    def announce(self, data_version: str = "dv-1", model_version: str = "20260101_000000") -> None:
        """Announce versions, as the owning services do."""
        with sync_redis.Redis(port=self.redis.port) as client:
            client.set("shelfcast:{acme}:data_version", data_version)
            client.set("shelfcast:{acme}:model_version", model_version)


def registration(module: object, name: str, area: str, servicer: object) -> Registration:
    """Give the registration of a generated service."""
    return Registration(
        getattr(module, f"add_{name}Servicer_to_server"), servicer, f"shelfcast.{area}.v1.{name}"
    )


@contextlib.asynccontextmanager
async def running_upstreams() -> AsyncIterator[Upstreams]:
    """Give running data, model and planning servers."""
    stack = Upstreams()
    data = [
        registration(api_key_service_pb2_grpc, "ApiKeyService", "identity", stack.api_keys),
        registration(product_service_pb2_grpc, "ProductService", "catalog", stack.products),
        registration(import_service_pb2_grpc, "ImportService", "ingestion", stack.imports),
    ]
    model = [
        registration(forecast_service_pb2_grpc, "ForecastService", "forecast", stack.forecasts),
        registration(prediction_service_pb2_grpc, "PredictionService", "forecast", stack.predictions),
        registration(job_service_pb2_grpc, "JobService", "jobs", stack.jobs),
    ]
    planning = [registration(stock_level_service_pb2_grpc, "StockLevelService", "planning", stack.levels)]
    for audience, parts in (("data", data), ("model", model), ("planning", planning)):
        verifier = ChainVerifier(TokenVerifier(KEY.encode(), audience))
        stack.servers[audience] = await start_server(parts, verifier)
    try:
        yield stack
    finally:
        for each in stack.servers.values():
            await each.drain(0)


def settings_for(folder: Path, redis_url: str, ports: dict[str, int], **more: object) -> GatewaySettings:
    """Give settings that point at the test's own servers."""
    values: dict[str, object] = {
        "data_dir": folder,
        "redis_url": redis_url,
        "internal_token_key": KEY,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
    }
    targets = {f"{name}_target": f"127.0.0.1:{port}" for name, port in ports.items()}
    return GatewaySettings.model_validate({**values, **targets, **more})


@contextlib.asynccontextmanager
async def running_stack(
    folder: Path, redis: RedisProcess, more: Mapping[str, object]
) -> AsyncIterator[Stack]:
    """Give a running stack with a gateway of the given settings."""
    async with running_upstreams() as upstreams:
        ports = {name: each.port for name, each in upstreams.servers.items()} | {"monitoring": free_port()}
        settings = settings_for(folder, redis.url, ports, **more)
        async with gateway(settings) as wired, served(wired) as port:
            base_url = f"http://127.0.0.1:{port}"
            headers = {"authorization": f"Bearer {ADMIN_KEY}"}
            async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=10) as client:
                made = Stack(
                    **vars(upstreams), base_url=base_url, wired=wired, redis=redis, client=client, port=port
                )
                await wired.parts.renew()
                made.announce()
                yield made


@contextlib.asynccontextmanager
async def served(wired: Gateway) -> AsyncIterator[int]:
    """Serve the gateway over HTTP and give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        server = make_server(wired.app, host="127.0.0.1", port=port, drain_seconds=1.0)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield port
        finally:
            server.stop()
            await serving
