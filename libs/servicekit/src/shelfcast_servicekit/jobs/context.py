"""What a handler has in hand while it runs a job."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.jobs.errors import JobCancelled, JobHandedBack, JobLeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from shelfcast_servicekit.jobs.domain import Job, JobOutcome, JsonObject
    from shelfcast_servicekit.jobs.store import JobLedger

PROGRESS_EVERY_SECONDS: Final = 0.5


class JobHandler(Protocol):
    """Does the jobs of one kind.

    A handler with `isolated = True` runs in a child process of its own, which ends with the job.
    """

    def run(self, context: JobContext) -> JobOutcome:
        """Do the work; every effect is repeatable, or guarded by `context.guard`.

        Raises: a ShelfcastError, which ends the job as failed; JobStopped passes through.
        """


class JobSignals:
    """What others want of a running job; set by the heartbeat and the worker, read by the handler."""

    def __init__(self) -> None:
        """Begin with nobody wanting anything."""
        self.cancelled = threading.Event()
        self.lease_lost = threading.Event()
        self.stopping = threading.Event()

    def raise_if_any(self, job_id: str) -> None:
        """Raise JobLeaseLost, JobCancelled or JobHandedBack, in that order, if it is wanted."""
        if self.lease_lost.is_set():
            raise JobLeaseLost(job_id)
        if self.cancelled.is_set():
            raise JobCancelled(job_id)
        if self.stopping.is_set():
            raise JobHandedBack(job_id)


class JobContext:
    """A claimed job, its progress, its cancel flag and its fence."""

    def __init__(self, job: Job, ledger: JobLedger, signals: JobSignals) -> None:
        """Work on `job`, which this worker holds."""
        self.job = job
        self._ledger = ledger
        self._signals = signals
        self._phase = job.phase
        self._told_at = 0.0

    @property
    def tenant(self) -> str:
        """Tenant whose job it is."""
        return self.job.tenant

    @property
    def input(self) -> JsonObject:
        """What was submitted."""
        return self.job.input

    @property
    def checkpoint(self) -> JsonObject | None:
        """Where an earlier attempt got to; None at the first."""
        return self.job.checkpoint

    @property
    def fence(self) -> int:
        """Number of the lease."""
        return self.job.fence

    def progress(self, phase: str, done: float, total: float = 0.0) -> None:
        """Tell how far the work is; cheap enough for every chunk (stored twice a second at most).

        Raises: JobStopped when the handler must end now.
        """
        self.check_cancelled()
        now = time.monotonic()
        if phase == self._phase and now - self._told_at < PROGRESS_EVERY_SECONDS and done < total:
            return
        self._phase, self._told_at = phase, now
        self._when_possible(lambda: self._ledger.progress(self.job.job_id, self.fence, phase, done, total))

    def check_cancelled(self) -> None:
        """Raise JobStopped when the job is cancelled, lost, or must be handed back."""
        self._signals.raise_if_any(self.job.job_id)

    def save_checkpoint(self, checkpoint: JsonObject) -> None:
        """Store where a re-run goes on. Raises: JobLeaseLost; UpstreamUnavailable."""
        self._ledger.save_checkpoint(self.job.job_id, self.fence, checkpoint)

    def guard(self, connection: Connection, checkpoint: JsonObject | None = None) -> None:
        """Let an effect through only while this worker holds the job.

        Call it as the last statement of each transaction that writes an effect into the database of the
        job table; a checkpoint given here is stored with the effect or not at all.
        Raises: JobLeaseLost, which rolls the effect back.
        """
        self._ledger.guard(connection, self.job.job_id, self.fence, checkpoint)

    def _when_possible(self, tell: Callable[[], None]) -> None:
        """Tell progress if the database is there; a lost note harms nobody, a lost lease does."""
        try:
            tell()
        except ShelfcastError:
            self.check_cancelled()
