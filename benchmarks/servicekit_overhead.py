"""What the servicekit's hall costs: the same unary echo on a bare grpc.aio server and on a full one.

Full means: tracing with export, access metrics, error translation, token, deadline and field rules.
Server and client are processes of their own; rounds alternate, so that a busy machine slows both alike.
Two ratios are printed: of requests per second, and of the server's CPU time per call, which a slow
client cannot flatter.

Run: python benchmarks/servicekit_overhead.py [--seconds 3] [--rounds 3] [--connections 32]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from report import Figure, publish
from shelfcast.forecast.v1 import forecast_pb2, forecast_service_pb2, forecast_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2
from shelfcast_servicekit.auth import Caller, ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.server import Registration, start_server
from shelfcast_servicekit.settings import ServiceSettings
from shelfcast_servicekit.telemetry import setup_telemetry

KEY = b"a key for the benchmark that is long enough"
NAME = "shelfcast.forecast.v1.ForecastService"
METHOD = f"/{NAME}/GetForecast"
REQUEST = forecast_service_pb2.GetForecastRequest(product_id="oat-milk-1l", horizon=28, quantiles=[0.1, 0.9])
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BAR = 0.5


class Echo(forecast_service_pb2_grpc.ForecastServiceServicer):
    """Answers at once with an empty forecast."""

    reply = forecast_pb2.Forecast()

    async def GetForecast(self, request: object, context: object) -> forecast_pb2.Forecast:  # noqa: ARG002, N802
        """Answer with the empty forecast."""
        return self.reply

    async def BatchGetForecasts(  # noqa: N802
        self, request: object, context: object
    ) -> forecast_service_pb2.BatchGetForecastsResponse:
        """Is not part of the measurement."""
        raise NotImplementedError

    async def RetrainModels(self, request: object, context: object) -> job_pb2.Job:  # noqa: N802
        """Is not part of the measurement."""
        raise NotImplementedError


class Sink(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans and forgets them."""

    async def Export(  # noqa: N802
        self,
        request: object,  # noqa: ARG002
        context: object,  # noqa: ARG002
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        """Take the spans."""
        return trace_service_pb2.ExportTraceServiceResponse()


async def start(kind: str, endpoint: str) -> tuple[object, int]:
    """Start one of the three servers; give it, to be kept, and its port."""
    if kind == "full":
        setup_telemetry("benchmark", ServiceSettings(otel_exporter_otlp_endpoint=endpoint))
        add = forecast_service_pb2_grpc.add_ForecastServiceServicer_to_server
        verifier = ChainVerifier(TokenVerifier(KEY, "model"))
        running = await start_server([Registration(add, Echo(), NAME)], verifier)
        return running, running.port
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    if kind == "bare":
        forecast_service_pb2_grpc.add_ForecastServiceServicer_to_server(Echo(), server)
    else:
        add_sink = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
        add_sink(Sink(), server)  # type: ignore[no-untyped-call] # the OpenTelemetry stub has no types
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def serve(kind: str, endpoint: str) -> None:
    """Serve, print the port, and the CPU time used for each line on standard input."""
    kept, port = await start(kind, endpoint)
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    assert kept is not None
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(time.process_time(), flush=True)


async def load(port: int, seconds: float, connections: int) -> int:
    """Give the number of calls that `connections` closed loops finish in `seconds`."""
    token = TokenMinter(KEY).token_for(Caller("t", "bench", frozenset({"forecasts.read"})), "model")
    metadata = (("authorization", "Bearer " + token), ("traceparent", TRACEPARENT))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = forecast_service_pb2_grpc.ForecastServiceStub(channel)
        await stub.GetForecast(REQUEST, timeout=5, metadata=metadata)
        until = time.perf_counter() + seconds

        async def loop() -> int:
            count = 0
            while time.perf_counter() < until:
                await stub.GetForecast(REQUEST, timeout=5, metadata=metadata)
                count += 1
            return count

        return sum(await asyncio.gather(*(loop() for _ in range(connections))))


class Server:
    """A server process under measurement."""

    def __init__(self, kind: str, endpoint: str = "none") -> None:
        command = [sys.executable, __file__, "--serve", kind, "--endpoint", endpoint]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._line())
        self.calls = 0
        self.cpu = 0.0
        self.seconds = 0.0

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def cpu_now(self) -> float:
        """Give the CPU seconds that the server has used."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._line())

    def measure(self, seconds: float, connections: int) -> None:
        """Add one round of load."""
        before = self.cpu_now()
        self.calls += asyncio.run(load(self.port, seconds, connections))
        self.cpu += self.cpu_now() - before
        self.seconds += seconds

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    @property
    def rate(self) -> float:
        """Calls per second of all rounds."""
        return self.calls / self.seconds

    @property
    def cpu_micros(self) -> float:
        """Server CPU per call in microseconds."""
        return self.cpu / self.calls * 1e6


def main() -> None:
    """Measure, print the table, write the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=["bare", "full", "sink"])
    parser.add_argument("--endpoint", default="none")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve, given.endpoint))
        return
    sink = Server("sink")
    bare, full = Server("bare"), Server("full", f"http://127.0.0.1:{sink.port}")
    for _ in range(given.rounds):
        for server in (bare, full):
            server.measure(given.seconds, given.connections)
    for server in (bare, full):
        server.close()
    sink.close()
    publish("servicekit_overhead", [_throughput(bare, full), _cpu(bare, full)])


def _throughput(bare: Server, full: Server) -> Figure:
    ratio = full.rate / bare.rate
    return Figure(
        "full echo: throughput", full.rate, "requests/s", bare.rate, ratio, "ratio >= 0.5", ratio >= BAR
    )


def _cpu(bare: Server, full: Server) -> Figure:
    ratio = full.cpu_micros / bare.cpu_micros
    return Figure(
        "full echo: server CPU per call",
        full.cpu_micros,
        "us",
        bare.cpu_micros,
        ratio,
        "ratio <= 2",
        ratio <= 1 / BAR,
    )


if __name__ == "__main__":
    main()
