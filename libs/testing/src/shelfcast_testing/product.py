"""A running product of a test's own: `shelfcast up` in a process, on free ports and a folder of its own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from shelfcast_client import RetryPolicy, ShelfcastClient
from shelfcast_client.refusals import DeadlineExceeded
from shelfcast_client.settings import process_environment
from shelfcast_client.stack.address import read_address, read_key

START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 40.0
PATIENT: Final = RetryPolicy(attempt_count=12, first_wait_seconds=0.5, longest_wait_seconds=5.0)
PORTS: Final = ("GATEWAY", "DATA", "MODEL", "PLANNING", "MONITORING", "OTLP", "VALKEY")


@dataclass(frozen=True, slots=True)
class Product:
    """A running product."""

    data_dir: Path
    """Folder of everything that it keeps."""
    supervised: psutil.Process
    """The process of `shelfcast up`."""
    environment: dict[str, str]
    """Variables that it was started with."""

    @property
    def address(self) -> dict[str, str]:
        """Where it is reached: `url`, `model_target`, `data_target`."""
        return read_address(self.data_dir)

    @property
    def key(self) -> str:
        """API key of its first tenant."""
        return read_key(self.data_dir)

    def client(self, key: str | None = None) -> ShelfcastClient:
        """Give a patient client; the caller closes it."""
        return ShelfcastClient(self.address["url"], key or self.key, retries=PATIENT)

    def process(self, *words: str) -> psutil.Process:
        """Give the process whose command holds all the words. Raises: LookupError."""
        for process in self.supervised.children(recursive=True):
            try:
                command = " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            if all(word in command for word in words):
                return process
        raise LookupError(f"no process runs {words}")

    def kill(self, *words: str) -> int:
        """Kill a process without warning; give its id."""
        found = self.process(*words)
        found.send_signal(signal.SIGKILL)
        return found.pid

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command `shelfcast` on this product."""
        return _run([sys.executable, "-m", "shelfcast_client.cli", *arguments], self.environment)

    def new_key(self, tenant: str) -> str:
        """Create a key of another tenant."""
        command = ["create-api-key", "--tenant", tenant, "--role", "admin"]
        done = _run([sys.executable, "-m", "shelfcast_data", *command], self.environment)
        return next(word for word in done.stdout.split() if word.startswith("sk_"))


def product_environment(data_dir: Path) -> dict[str, str]:
    """Give the variables of a product of its own on free ports; no setting of the caller's leaks in."""
    inherited = {
        name: value
        for name, value in process_environment().items()
        if not name.startswith(("SHELFCAST_", "OTEL_"))
    }
    own = {f"SHELFCAST_{name}_PORT": "0" for name in PORTS}
    return {**inherited, **own, "SHELFCAST_DATA_DIR": str(data_dir), "SHELFCAST_READY_SECONDS": "150"}


@contextmanager
def running_product(data_dir: Path) -> Iterator[Product]:
    """Start a product and stop it whole; the block runs while it serves.

    Raises: AssertionError when it does not start, or leaves a process behind.
    """
    environment = product_environment(data_dir)
    command = [sys.executable, "-m", "shelfcast_client.cli", "up"]
    with (data_dir / "up.log").open("wb") as log:
        started = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=data_dir)
    try:
        _await_key(data_dir, started)
        yield Product(data_dir, psutil.Process(started.pid), environment)
    finally:
        left = _stop(started)
    if left:
        raise AssertionError(f"processes outlived `up`: {left}")


async def until_rung(
    client: ShelfcastClient, series: tuple[str, str], rung: str, seconds: float = 60.0
) -> None:
    """Wait until forecasts of a series (product, shop) come from a rung. Raises: AssertionError."""
    deadline = time.monotonic() + seconds
    seen: set[str] = set()
    while time.monotonic() < deadline:
        with suppress(DeadlineExceeded):  # the model is still being loaded
            seen = set((await client.forecast(*series, horizon=7))["rung"])
        if seen == {rung}:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"still {seen} after {seconds:g} s")


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def _await_key(data_dir: Path, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (read_address(data_dir) and read_key(data_dir)):
        if started.poll() is not None or time.monotonic() > deadline:
            raise AssertionError((data_dir / "up.log").read_text())
        time.sleep(0.2)


def _stop(started: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Stop a product as Ctrl-C does; give its processes that are left 3 s after its end."""
    if started.poll() is not None:
        return []
    family = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGINT)
    try:
        started.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
    return list(psutil.wait_procs(family, timeout=3)[1])
