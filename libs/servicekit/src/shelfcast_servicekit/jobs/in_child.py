"""Isolated jobs, seen from the child: it ends when its job or its parent does."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.jobs.context import JobSignals

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.runner import JobRunner

ORPHANED: Final = 75


def run_job_child(runner: JobRunner, job_id: str, fence: int) -> None:
    """Run an isolated job in this process; what `python -m <package> run-job` calls.

    Ends the process at once when the parent is gone: another worker will have the job.
    """
    watch = threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True)
    watch.start()
    runner.run_held(job_id, fence, JobSignals())


def _end_with_parent() -> None:
    # The raw descriptor: a daemon thread that waits on the buffered stream hinders the interpreter's end.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(ORPHANED)
