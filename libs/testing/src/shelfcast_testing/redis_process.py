"""A Redis or Valkey server of a test's own, to be killed, frozen and started again."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest
import redis

if TYPE_CHECKING:
    from pathlib import Path

_BELOW_EPHEMERAL: Final = range(20_000, 32_000)


def free_port() -> int:
    """Give a TCP port that is free now, and that the kernel gives to nobody who asks for just any port."""
    for port in random.SystemRandom().sample(_BELOW_EPHEMERAL, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


class RedisProcess:
    """One server process on a free port, without persistence."""

    def __init__(self, folder: Path) -> None:
        """Work in `folder`; `start` begins."""
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Give the URL of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers; leaves the test out where none is installed."""
        server = shutil.which("redis-server") or shutil.which("valkey-server")
        if server is None:
            pytest.skip("no redis-server or valkey-server on this machine")
        command = [server, "--port", str(self.port), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        client = redis.Redis(port=self.port)
        for _ in range(200):
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                break
        client.close()

    def freeze(self) -> None:
        """Let the server be there and not answer."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server answer again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End the server at once; `start` begins again on the same port, with nothing in it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
