"""Waiting for a job without asking too often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from shelfcast_client.errors import JobCancelled, JobFailed, WaitExpired
from shelfcast_client.job import Job, Progress

DAY_SECONDS: Final = 86400.0
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 1.0


async def wait_for(
    job: Job, read: Callable[[str], Awaitable[Job]], on_progress: Progress | None, timeout_seconds: float
) -> Job:
    """Read a job again and again, in growing pauses up to 1 s, until it is completed.

    Raises: JobFailed, JobCancelled, WaitExpired (carrying the job as last seen).
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + timeout_seconds, FIRST_PAUSE_SECONDS
    while True:
        if on_progress is not None:
            on_progress(job)
        if job.has_ended:
            return completed(job)
        if loop.time() + pause > deadline:
            raise WaitExpired(job, timeout_seconds)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        job = await read(job.job_id)


def completed(job: Job) -> Job:
    """Give an ended job if it has a result. Raises: JobFailed, JobCancelled."""
    if job.status == "failed":
        raise JobFailed(job)
    if job.status == "cancelled":
        raise JobCancelled(job)
    return job
