"""Isolated jobs, seen from the worker: a child process made by exec."""

from __future__ import annotations

import subprocess
import sys
from typing import Final, Self

TERMINATE_SECONDS: Final = 5.0


class ChildProcess:
    """A child that runs one job; leaving the block ends it, gently first."""

    def __init__(self, package: str, job_id: str, fence: int) -> None:
        """Run `python -m <package> run-job <job_id> <fence>`."""
        self._command = [sys.executable, "-m", package, "run-job", job_id, str(fence)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # The pipe is the tie: it closes when this process dies, however it dies.
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE)  # noqa: S603 - our own package
        return self

    def __exit__(self, *error: object) -> None:
        process = self._started()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(TERMINATE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; say whether it has come."""
        try:
            self._started().wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def stored_its_end(self) -> bool:
        """Whether the child ended by itself after it stored how the job ended."""
        return self._started().returncode == 0

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the child has not been started")
        return self._process
