"""What can go wrong with a job.

ShelfcastError
├── JobNotFound, StateConflict, JobKindUnknown, JobCrashed

JobStopped (never leaves the worker)
├── JobCancelled
├── JobLeaseLost
└── JobHandedBack
"""

from __future__ import annotations

from shelfcast_servicekit.errors import ShelfcastError


class JobNotFound(ShelfcastError):
    """No job of this tenant has the id (metadata: job_id)."""

    reason = "JOB_NOT_FOUND"


class StateConflict(ShelfcastError):
    """A cancel or retry does not fit the state of the job (metadata: job_id, status)."""

    reason = "STATE_CONFLICT"


class JobKindUnknown(ShelfcastError):
    """A worker took a job that it has no handler for (metadata: kind)."""

    reason = "JOB_KIND_UNKNOWN"


class JobCrashed(ShelfcastError):
    """The worker ended three times while it ran the job (metadata: attempt)."""

    reason = "JOB_CRASHED"


class JobStopped(Exception):
    """A handler must end now; it lets this pass, and cleans up in `finally`."""


class JobCancelled(JobStopped):
    """Somebody asked to cancel the job."""


class JobLeaseLost(JobStopped):
    """The job belongs to another worker by now; nothing may be written for it any more."""


class JobHandedBack(JobStopped):
    """The worker shuts down, or it is not the job's turn; it runs again later, from its checkpoint."""

    def __init__(self, job_id: str = "", after_seconds: float = 0.0) -> None:
        """after_seconds: how long the job waits at least before it runs again."""
        super().__init__(job_id)
        self.after_seconds = after_seconds
