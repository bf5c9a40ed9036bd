"""The sign of life of a running job, from a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.jobs.errors import JobLeaseLost

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.context import JobSignals
    from shelfcast_servicekit.jobs.domain import Job
    from shelfcast_servicekit.jobs.store import JobLedger


class Heartbeat:
    """Extends the lease while the block runs; sets the signals when it is lost or a cancel is wanted."""

    def __init__(self, ledger: JobLedger, job: Job, signals: JobSignals, lease_seconds: float) -> None:
        """Beat three times per lease."""
        self._ledger = ledger
        self._job = job
        self._signals = signals
        self._lease_seconds = lease_seconds
        self._held_until = time.monotonic() + lease_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{job.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._lease_seconds / 3):
            begun = time.monotonic()
            try:
                cancelled = self._ledger.heartbeat(self._job.job_id, self._job.fence, self._lease_seconds)
            except JobLeaseLost:
                self._signals.lease_lost.set()
                return
            except ShelfcastError:  # the database is away: ours until the lease has run out
                if time.monotonic() >= self._held_until:
                    self._signals.lease_lost.set()
                    return
            else:
                self._held_until = begun + self._lease_seconds
                if cancelled:
                    self._signals.cancelled.set()
