"""Places where a test lets a process die, to see what is left of it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def failpoint(wanted: str) -> Callable[[str], None]:
    """Give what each place calls with its name; at the wanted one the process is killed on the spot."""

    def reached(name: str) -> None:
        if wanted and name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
