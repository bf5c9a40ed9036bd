"""A service process from start to SIGTERM (F34, F42)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from shelfcast.jobs.v1 import job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import Caller, TokenMinter, TokenVerifier, calling_as
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.server import start_server
from shelfcast_testing.redis_process import free_port

HERE = Path(__file__).parent
KEY = "a key for tests that is long enough"
READER = Caller("grocer", "me", frozenset({"jobs.read"}))
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(**settings: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,  # noqa: TID251 - a child process inherits it
            "PYTHONPATH": str(HERE),
            "SHELFCAST_DATA_DIR": str(tmp_path),
            "SHELFCAST_INTERNAL_TOKEN_KEY": KEY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "service_process"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


async def ready(port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        await health.Check(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True)


async def test_f34_sigterm_lets_calls_finish_and_turns_new_ones_away(start: Start) -> None:
    port = free_port()
    process = start(SHELFCAST_PORT=str(port))
    channel = open_channel(f"127.0.0.1:{port}", "model", TokenMinter(KEY.encode()))
    await ready(port)
    await channel.channel_ready()
    stub = job_service_pb2_grpc.JobServiceStub(channel)

    async def call(seconds: str) -> str:
        with calling_as(READER):
            request = job_service_pb2.GetJobRequest(job_id=seconds)
            return (await stub.GetJob(request, timeout=30)).job_id

    running = [asyncio.create_task(call("1.0")) for _ in range(20)]
    await asyncio.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await call("0.1")
    finished = await asyncio.gather(*running)
    output, _ = await asyncio.to_thread(process.communicate, timeout=30)
    await channel.close()

    assert finished == ["1.0"] * 20
    assert late.value.code() is grpc.StatusCode.UNAVAILABLE
    assert process.returncode == 0
    assert (output.split()[0], output.split()[-1]) == ("started", "stopped")


async def test_background_work_that_breaks_begins_again(start: Start) -> None:
    process = start()

    assert process.stdout is not None
    words: list[str] = []
    while "beat 2" not in words:
        words.append((await asyncio.to_thread(process.stdout.readline)).strip())
    process.send_signal(signal.SIGINT)
    _, errors = await asyncio.to_thread(process.communicate, timeout=30)

    assert words == ["started", "beat 1", "beat 2"]
    assert "the first round breaks" in errors


async def test_f42_a_second_process_on_the_port_ends(start: Start) -> None:
    port = free_port()
    start(SHELFCAST_PORT=str(port))
    await ready(port)

    second = start(SHELFCAST_PORT=str(port))

    assert await asyncio.to_thread(second.wait, 30) != 0


async def test_a_port_is_shared_by_those_who_say_so() -> None:
    verifier = TokenVerifier(KEY.encode(), "model")
    first = await start_server([], verifier, share_port=True)
    second = await start_server([], verifier, port=first.port, share_port=True)

    with pytest.raises(RuntimeError):
        await start_server([], verifier, port=first.port)
    await first.drain(0)
    await ready(second.port)
    await second.drain(0)

    assert second.port == first.port


async def test_metrics_are_served_where_a_port_is_set(start: Start) -> None:
    port, metrics = free_port(), free_port()
    start(SHELFCAST_PORT=str(port), SHELFCAST_METRICS_PORT=str(metrics))
    channel = open_channel(f"127.0.0.1:{port}", "model", TokenMinter(KEY.encode()))
    await ready(port)
    with calling_as(READER):
        await job_service_pb2_grpc.JobServiceStub(channel).GetJob(
            job_service_pb2.GetJobRequest(job_id="0"), timeout=1
        )
    await asyncio.sleep(0.4)
    await channel.close()

    def scrape() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=30) as page:
            return str(page.read().decode())

    text = await asyncio.to_thread(scrape)

    assert "rpc_server_duration_seconds_count{" in text
    assert "event_loop_lag_seconds_count" in text


def test_a_wrong_setting_stops_the_start_with_its_name(start: Start) -> None:
    process = start(SHELFCAST_PORT="many", SHELFCAST_LOG_LEVEL="LOUD")

    _, errors = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "SHELFCAST_PORT" in errors
    assert "SHELFCAST_LOG_LEVEL" in errors
