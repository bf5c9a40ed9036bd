"""What holds for every test of the house."""

from __future__ import annotations

import gc
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
BY_THE_CLOCK = tuple(HERE / "integration" / room for room in ("client", "gateway", "model", "monitoring"))
"""Tests of services that answer from a lower rung, as they are built to, when a stalled machine is late."""

# A shared machine stalls now and then; a slow example is not a wrong one. Where CI is set, hypothesis draws
# the same examples each time: the gate says the same of the same code; new ones are looked for elsewhere.
settings.register_profile(
    "shelfcast", settings.get_profile(settings.get_current_profile_name()), deadline=None
)
settings.load_profile("shelfcast")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of services that degrade by the clock a second try, which the summary names."""
    for item in items:
        if any(item.path.is_relative_to(room) for room in BY_THE_CLOCK):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[".*"]))


def pytest_sessionfinish() -> None:
    """Let go of what an attempt that ran out of time has left open: its frames are held to the end."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        sys.__dict__.pop(name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
