"""Serve forecasts from the running product, beside a bare handler and a bare RPC on the same machine.

Starts the whole stack on free ports with embedded defaults, loads a small retailer, trains, and measures
with credentials, rate limit and tracing on; the limit is set high enough not to end the measurement.
References and subjects take turns. Variables: ROUNDS (turns), SECONDS (of each), MODELS (forecasters to
train, by comma), TRACE_RATIO (share of traces recorded).
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc_load
import http_load
import httpx
import redis
from pydantic_settings import BaseSettings, SettingsConfigDict
from report import Figure, publish
from shelfcast.forecast.v1 import forecast_service_pb2
from shelfcast_client.client import ShelfcastClient
from shelfcast_client.refusals import DeadlineExceeded
from shelfcast_client.request import TrainOptions
from shelfcast_client.settings import ClientSettings
from shelfcast_client.stack.credential import ensure_key
from shelfcast_client.stack.plan import StackPlan, plan_stack
from shelfcast_client.stack.port import choose_ports
from shelfcast_client.stack.stack import running_stack

T = TypeVar("T")


class BenchSettings(BaseSettings):
    """What the environment says to the benchmark."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    rounds: int = 5
    """Turns that are taken."""
    seconds: float = 3.0
    """Length of each measurement in a turn."""
    models: str = "gru,factor,seasonal_naive"
    """Forecasters to train, by comma."""
    trace_ratio: float = 1.0
    """Share of traces that are recorded."""


SETTINGS = BenchSettings()
CONNECTIONS = 32
PRODUCTS = 12
DAYS = 400
SHOP = "north"
KEPT = "bench:reply"
UNLIMITED = "1000000"
GET_FORECAST = "/shelfcast.forecast.v1.ForecastService/GetForecast"


class BenchPlan(StackPlan):
    """A stack whose rate limit does not end the measurement."""

    def environment(self) -> dict[str, str]:
        """Give the variables that every service gets."""
        return StackPlan.environment(self) | {
            "SHELFCAST_READ_RATE_PER_SECOND": UNLIMITED,
            "SHELFCAST_READ_BURST": UNLIMITED,
            "SHELFCAST_TRACE_SAMPLE_RATIO": str(SETTINGS.trace_ratio),
        }


@dataclass
class Turns:
    """What was measured, one value a turn."""

    bare: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)
    cached_one_ms: list[float] = field(default_factory=list)
    uncached_ms: list[float] = field(default_factory=list)
    empty_rpc: list[float] = field(default_factory=list)
    cached_rpc: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory(prefix="shelfcast-bench-") as folder:
        turns = asyncio.run(measured(Path(folder)))
    publish("serving", figures(turns))


async def measured(folder: Path) -> Turns:
    """Start everything, load, train, and measure in turns."""
    ports = dict.fromkeys(
        ("gateway_port", "data_port", "model_port", "planning_port", "monitoring_port", "otlp_port"), 0
    )
    settings = ClientSettings.model_validate({"data_dir": folder, "ready_seconds": 120, **ports})
    planned = plan_stack(settings, choose_ports(settings))
    plan = BenchPlan(planned.data_dir, planned.ports, planned.database_url, planned.redis_url)
    async with running_stack(plan, settings.ready_seconds, lambda name: print(f"{name} serves")):
        secret = await ensure_key(plan, "bench")
        await prepare(plan, secret, folder)
        return await asyncio.to_thread(take_turns, plan, secret)


async def prepare(plan: StackPlan, secret: str, folder: Path) -> None:
    """Load sales, train, and wait until the champion answers."""
    path = folder / "sales.csv"
    write_sales(path)
    options = TrainOptions(models=SETTINGS.models.split(","), promote="force")
    async with ShelfcastClient(plan.base_url, secret) as client:
        imported = await patiently(lambda: client.import_sales(path))
        await patiently(lambda: client.wait(imported))
        trained = await patiently(lambda: client.train(options))
        await patiently(lambda: client.wait(trained))
        for _ in range(300):
            frame = await patiently(lambda: client.forecast("p0", SHOP, horizon=14))
            if set(frame["rung"]) == {"champion"}:
                print("the champion answers")
                return
            await asyncio.sleep(0.5)
    raise SystemExit("no champion answers")


async def patiently(work: Callable[[], Awaitable[T]], tries: int = 20) -> T:
    """Do a step of the preparation, again if the machine was too busy for its deadline."""
    for _ in range(tries):
        with suppress(DeadlineExceeded):
            return await work()
    return await work()


def write_sales(path: Path) -> None:
    """Write a small retailer: weekly season, one shop, some products."""
    begin = dt.date(2025, 1, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "shop_id", "product_id", "quantity"])
        for product in range(PRODUCTS):
            for day in range(DAYS):
                season = 1 + 0.4 * math.sin(2 * math.pi * day / 7)
                quantity = round((10 + 3 * product) * season + (day * 7 + product * 13) % 5)
                writer.writerow([begin + dt.timedelta(days=day), SHOP, f"p{product}", quantity])


def take_turns(plan: StackPlan, secret: str) -> Turns:
    """Measure references and subjects in turns."""
    turns = Turns()
    url = f"{plan.base_url}/api/v1/forecast/p0?shop_id={SHOP}&horizon=14"
    headers = [f"Authorization: Bearer {secret}"]
    reply = httpx.get(url, headers={"Authorization": f"Bearer {secret}"})
    redis.Redis.from_url(plan.broker_url).set(KEPT, reply.content)
    fresh = fresh_urls(plan)
    with bare_servers(plan) as (bare_url, bare_target):
        for number in range(SETTINGS.rounds):
            turns.bare.append(load([bare_url], CONNECTIONS).requests_per_second)
            turns.cached.append(load([url], CONNECTIONS, headers).requests_per_second)
            turns.cached_one_ms.append(load([url], 1, headers).p50_ms)
            share = len(fresh) // SETTINGS.rounds
            turns.uncached_ms.append(load(fresh[number * share : (number + 1) * share], 1, headers).p50_ms)
            turns.empty_rpc.append(rpc(bare_target, "/bench.Empty/Call"))
            turns.cached_rpc.append(
                rpc(f"127.0.0.1:{plan.ports.model}", GET_FORECAST, request_bytes(), secret)
            )
    return turns


def load(urls: list[str], connections: int, headers: list[str] | None = None) -> http_load.Load:
    """Load URLs; refuse to count anything but 200."""
    seen = http_load.measure(urls, connections=connections, seconds=SETTINGS.seconds, headers=headers or [])
    if seen.bad_count:
        raise SystemExit(f"{seen.bad_count} replies were no 200: {urls[0]}")
    return seen


def rpc(target: str, method: str, request: bytes = b"", secret: str = "") -> float:
    """Give the calls a second of an RPC."""
    return grpc_load.measure(
        target, method, concurrency=CONNECTIONS, seconds=SETTINGS.seconds, request=request, credential=secret
    )


def request_bytes() -> bytes:
    """Give the request of the cached RPC."""
    return forecast_service_pb2.GetForecastRequest(
        product_id="p0", shop_id=SHOP, horizon=14
    ).SerializeToString()


def fresh_urls(plan: StackPlan) -> list[str]:
    """Give URLs of which no two ask for the same: neither gateway nor model service has the reply."""
    return [
        f"{plan.base_url}/api/v1/forecast/p{product}?shop_id={SHOP}&horizon={horizon}&confidence_interval={level}"
        for horizon in range(2, 90)
        for level in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.96, 0.98)
        for product in range(PRODUCTS)
    ]


@contextmanager
def bare_servers(plan: StackPlan) -> Iterator[tuple[str, str]]:
    """Give the URL of the bare handler and the target of the bare RPC."""
    here = Path(__file__).parent
    settings = ClientSettings.model_validate({"gateway_port": 0, "data_port": 0})
    ports = choose_ports(settings)
    commands = (
        [sys.executable, str(here / "bare_server.py"), str(ports.gateway), plan.broker_url, KEPT],
        [sys.executable, str(here / "bare_grpc.py"), str(ports.data)],
    )
    processes = [subprocess.Popen(command) for command in commands]
    url = f"http://127.0.0.1:{ports.gateway}/forecast/p0"
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            client.get(url).raise_for_status()
        yield url, f"127.0.0.1:{ports.data}"
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def figures(turns: Turns) -> list[Figure]:
    """Give the figures with their bars."""
    http = ratio("cached forecast at 32 connections", "requests/s", turns.cached, turns.bare)
    rpcs = ratio("cached gRPC forecast, 32 at once", "calls/s", turns.cached_rpc, turns.empty_rpc)
    return [
        http,
        bounded("cached forecast, p50 at one connection", turns.cached_one_ms, 2.0),
        bounded("uncached forecast, p50 at one connection", turns.uncached_ms, 10.0),
        rpcs,
    ]


def ratio(name: str, unit: str, subject: list[float], reference: list[float]) -> Figure:
    """Give a figure that is held against its reference, turn by turn."""
    value = statistics.median(one / other for one, other in zip(subject, reference, strict=True))
    return Figure(
        figure=name,
        value=statistics.median(subject),
        unit=unit,
        reference=statistics.median(reference),
        ratio=value,
        bar="ratio >= 0.5",
        holds=value >= 0.5,
    )


def bounded(name: str, values: list[float], bar: float) -> Figure:
    """Give a figure that is held against a fixed bar."""
    value = statistics.median(values)
    return Figure(figure=name, value=value, unit="ms", bar=f"<= {bar:g} ms", holds=value <= bar)


if __name__ == "__main__":
    main()
