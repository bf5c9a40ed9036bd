"""A closed-loop HTTP/1.1 client for benchmarks: one process, keep-alive sockets, no parsing beyond need.

It runs as a process of its own (`python benchmarks/http_load.py ...`), so that its cost is the same for
whatever it measures, and prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import uvloop

STALL_SECONDS = 10.0
"""How long after its end a run waits for replies that are still due."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the client saw."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    bad_count: int
    """Replies with another status than 200."""


def measure(urls: Sequence[str], *, connections: int, seconds: float, headers: Sequence[str] = ()) -> Load:
    """Load URLs of one server from another process, in turn.

    headers: `Name: value`.
    """
    command = [sys.executable, __file__, str(connections), str(seconds), *headers]
    done = subprocess.run(
        command,
        input="\n".join(urls),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Load(**json.loads(done.stdout))


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: Requests, deadline: float) -> None:
        """Ask until the clock reaches `deadline`."""
        self._requests = requests
        self._deadline = deadline
        self._buffer = b""
        self._need = -1
        self._sent_at = 0.0
        self.latencies: list[float] = []
        self.bad_count = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    @property
    def state(self) -> str:
        """Say what it waits for, when it waits too long."""
        return f"{len(self.latencies)} replies, {len(self._buffer)} of {self._need} bytes"

    def _ask(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests.next())

    def data_received(self, data: bytes) -> None:
        """Count a reply once it is whole, and ask again."""
        self._buffer += data
        if self._need < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            start = head.index(b"content-length: ") + 16
            stop = head.find(b"\r\n", start)
            self._need = end + 4 + int(head[start : stop if stop >= 0 else end])
            self.bad_count += head[9:12] != b"200"
        if len(self._buffer) < self._need:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        self._buffer, self._need = b"", -1
        if now < self._deadline:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the runner."""
        del exc
        if not self.done.done():
            self.done.set_result(None)


class Requests:
    """The bytes of each request, in turn."""

    def __init__(self, urls: Sequence[str], headers: Sequence[str]) -> None:
        """Prepare all of them."""
        parts = urlsplit(urls[0])
        lines = "".join(f"{line}\r\n" for line in headers)
        rest = f" HTTP/1.1\r\nHost: {parts.netloc}\r\n{lines}\r\n"
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 80
        self._prepared = itertools.cycle([f"GET {_target(url)}{rest}".encode() for url in urls])

    def next(self) -> bytes:
        """Give the next request."""
        return next(self._prepared)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _same(client: Client) -> Client:
    return client


async def run(connections: int, seconds: float, requests: Requests) -> Load:
    """Load the server and give what was seen."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    clients = []
    for _ in range(connections):
        client = Client(requests, started + seconds)
        await loop.create_connection(partial(_same, client), requests.host, requests.port)
        clients.append(client)
    _, stalled = await asyncio.wait([client.done for client in clients], timeout=seconds + STALL_SECONDS)
    if stalled:
        states = [client.state for client in clients if not client.done.done()]
        raise SystemExit(f"{len(stalled)} connections never got their reply: {states}")
    elapsed = time.perf_counter() - started
    latencies = sorted(each for client in clients for each in client.latencies)
    return Load(
        requests_per_second=len(latencies) / elapsed,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        bad_count=sum(client.bad_count for client in clients),
    )


def main() -> None:
    """Run the command line and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("headers", nargs="*")
    given = parser.parse_args()
    requests = Requests(sys.stdin.read().split(), given.headers)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(run(given.connections, given.seconds, requests))
    print(json.dumps({name: getattr(load, name) for name in load.__slots__}))


if __name__ == "__main__":
    main()
