"""What holds for every test of the house."""

from __future__ import annotations

import gc
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import settings

UNIT = Path(__file__).parent / "unit"

# A shared machine stalls now and then; a slow example is not a wrong one.
settings.register_profile("shelfcast", deadline=None)
settings.load_profile("shelfcast")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test of running servers a second try, which the summary names; whoever guards rows gets none."""
    for item in items:
        if not item.path.is_relative_to(UNIT) and item.get_closest_marker("guards_rows") is None:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[".*"]))


def pytest_sessionfinish() -> None:
    """Let go of what an attempt that ran out of time has left open: its frames are held to the end."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        sys.__dict__.pop(name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
