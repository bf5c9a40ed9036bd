"""What holds for every test of the house."""

from __future__ import annotations

import gc
import sys
import warnings

from hypothesis import settings

# A shared machine stalls now and then; a slow example is not a wrong one.
settings.register_profile("shelfcast", deadline=None)
settings.load_profile("shelfcast")


def pytest_sessionfinish() -> None:
    """Let go of what an attempt that ran out of time has left open: its frames are held to the end."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        sys.__dict__.pop(name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
