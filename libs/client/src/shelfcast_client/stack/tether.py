"""Run a program that ends when its parent does: `python tether.py COMMAND [ARGUMENT...]`.

A supervisor that is killed cannot stop its children; on Linux the kernel does it for us. Elsewhere the
program is run as it is.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # prctl(2)


def tie_to_parent() -> None:
    """Ask the kernel for SIGTERM at the parent's death; the request outlives exec."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() == 1:  # the parent died before the request stood
        raise SystemExit(1)


def main(command: Sequence[str]) -> None:
    """Become the command, tied to the parent."""
    tie_to_parent()
    os.execvp(command[0], list(command))  # noqa: S606 - the command is the supervisor's own


if __name__ == "__main__":
    main(sys.argv[1:])
