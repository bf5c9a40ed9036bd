"""What can go wrong for a caller of the client.

ShelfcastClientError
├── RequestRefused: the service answered and said no; one subclass per declared reason in `refusals.py`
├── ServiceUnreachable: no answer came
├── JobFailed, JobCancelled: a job that was waited for ended without a result
└── WaitExpired: a job did not end in the time that the caller gave it
"""

from __future__ import annotations

from typing import ClassVar

from shelfcast_client.job import Job
from shelfcast_client.problem import Problem


class ShelfcastClientError(Exception):
    """Root of all errors of the client."""


class RequestRefused(ShelfcastClientError):
    """The service refused the request; the subclass is the reason."""

    reason: ClassVar[str] = ""
    """Reason of this class; empty for one that this version does not know."""
    status: ClassVar[int] = 0
    """HTTP status that belongs to the reason."""
    hint: ClassVar[str] = ""
    """What can be done about it, with `{name}` for facts."""

    def __init__(self, problem: Problem) -> None:
        """Keep what the service said."""
        super().__init__(str(problem))
        self.problem = problem


class ServiceUnreachable(ShelfcastClientError):
    """No answer came: wrong address, nothing running there, or a broken connection."""


class JobFailed(ShelfcastClientError):
    """A job ended with an error, which is in `job.error`."""

    def __init__(self, job: Job) -> None:
        """Keep the job as it ended."""
        super().__init__(f"The {job.kind} job {job.job_id} failed: {job.error or 'no reason was given'}")
        self.job = job


class JobCancelled(ShelfcastClientError):
    """A job ended because somebody cancelled it."""

    def __init__(self, job: Job) -> None:
        """Keep the job as it ended."""
        super().__init__(f"The {job.kind} job {job.job_id} was cancelled.")
        self.job = job


class WaitExpired(ShelfcastClientError):
    """A job goes on, but the caller's patience is over."""

    def __init__(self, job: Job, timeout_seconds: float) -> None:
        """Keep the job as last seen."""
        super().__init__(f"The {job.kind} job {job.job_id} still runs after {timeout_seconds:g} s.")
        self.job = job
