"""Time the start of all services and the way to the first forecast; weigh the stack: `make bench-startup`.

REST_SECONDS: how long the stack rests before it is weighed (default 20). The bars are absolute: there is no
other system to hold these against.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
from report import Figure, publish

SHELFCAST: Final = Path(sys.executable).parent / "shelfcast"
READY: Final = re.compile(r"is ready after ([0-9.]+) s")
FIRST_FORECAST: Final = "Forecast of the next"
SERVICES: Final = 5
PATIENCE_SECONDS: Final = 600.0


def main() -> None:
    """Measure, print and store the figures."""
    ready, resident, proportional = at_rest(float(os.environ.get("REST_SECONDS") or "20"))  # noqa: TID251 - a variable of `make`
    first = until_first_forecast()
    publish(
        "startup",
        [
            Figure("start of all services to ready", ready, "s", bar="<= 20", holds=ready <= 20),
            Figure(
                "resident memory at rest, sum of RSS", resident, "MB", bar="< 2048", holds=resident < 2048
            ),
            Figure("the same, shared pages counted once (PSS)", proportional, "MB"),
            Figure("from `up --demo` to the first forecast", first, "s", bar="<= 120", holds=first <= 120),
        ],
    )


def at_rest(rest_seconds: float) -> tuple[float, float, float]:
    """Start everything and leave it alone; give seconds to ready, and MB by RSS and by PSS."""
    with running() as process:
        ready = _seconds_to_ready(process)
        time.sleep(rest_seconds)
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        memory = [each.memory_full_info() for each in tree]
    return ready, sum(each.rss for each in memory) / 2**20, sum(each.pss for each in memory) / 2**20


def until_first_forecast() -> float:
    """Run the main job on the demo retailer; give the seconds until its forecast is printed."""
    began = time.perf_counter()
    with running("--demo", "--once") as process:
        for line in _lines(process):
            if FIRST_FORECAST in line:
                seconds = time.perf_counter() - began
                process.wait(PATIENCE_SECONDS)
                return seconds
    raise SystemExit("no forecast was printed")


def _seconds_to_ready(process: subprocess.Popen[str]) -> float:
    slowest = 0.0
    for count, match in enumerate(filter(None, map(READY.search, _lines(process))), 1):
        slowest = max(slowest, float(match[1]))
        if count == SERVICES:
            return slowest
    raise SystemExit("the stack did not become ready")


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    if process.stdout is None:
        raise ValueError("the process has no pipe")
    for line in process.stdout:
        sys.stderr.write(line)
        yield line


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `shelfcast up` on a data folder of its own, and stop it."""
    with tempfile.TemporaryDirectory(prefix="shelfcast-bench-") as folder:
        environment = {**os.environ, "SHELFCAST_DATA_DIR": folder, "PYTHONUNBUFFERED": "1"}  # noqa: TID251 - a child's own
        command = [str(SHELFCAST), "up", *options]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        overdue = threading.Timer(PATIENCE_SECONDS, process.terminate)
        overdue.start()
        try:
            yield process
        finally:
            overdue.cancel()
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)


if __name__ == "__main__":
    main()
