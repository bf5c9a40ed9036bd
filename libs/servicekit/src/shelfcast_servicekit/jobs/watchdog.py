"""Ends a worker that consumes nothing while jobs wait; its supervisor starts it anew.

A Celery worker may stop consuming after its broker was away while its process lives on
(celery #8030, #8091, #10205).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import ShelfcastError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelfcast_servicekit.jobs.runner import JobRunner
    from shelfcast_servicekit.jobs.store import JobLedger

STALLED: Final = 76
STALL_SECONDS: Final = 30.0
LOOK_EVERY_SECONDS: Final = 5.0

_LOG: Final = logging.getLogger("shelfcast.jobs")


def _exit_stalled() -> None:
    os._exit(STALLED)


class Watchdog:
    """Watches that this worker takes jobs as long as announced jobs wait."""

    def __init__(
        self,
        ledger: JobLedger,
        runner: JobRunner,
        *,
        stall_seconds: float = STALL_SECONDS,
        end: Callable[[], None] = _exit_stalled,
    ) -> None:
        """end: what to do about a stall; ends the process with code 76."""
        self._ledger = ledger
        self._runner = runner
        self._stall_seconds = stall_seconds
        self._end = end
        self._idle_since = time.monotonic()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Watch from a daemon thread."""
        threading.Thread(target=self._watch, name="job-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(LOOK_EVERY_SECONDS, self._stall_seconds / 4)):
            if self.is_stalled():
                _LOG.critical("no job taken for %.0f s while jobs wait: the worker ends", self._stall_seconds)
                self._end()
                return

    def is_stalled(self) -> bool:
        """Say whether announced jobs have waited too long while this worker ran nothing."""
        now = time.monotonic()
        if self._runner.running_count:
            self._idle_since = now
            return False
        try:
            waited = self._ledger.oldest_wait_seconds()
        except ShelfcastError:
            self._idle_since = now
            return False
        return min(now - self._idle_since, waited) > self._stall_seconds
