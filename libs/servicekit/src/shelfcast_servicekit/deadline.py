"""The deadline of the work in hand: what is left of it, and what a child call may have."""

from __future__ import annotations

import contextlib
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

MARGIN_SECONDS: Final = 0.02
"""Kept back from a child's time, so that its answer can still be used."""

_ENDS_AT: ContextVar[float | None] = ContextVar("shelfcast_deadline", default=None)


def set_deadline(remaining_seconds: float) -> None:
    """Give the current context `remaining_seconds` from now; it ends with its RPC or task."""
    _ENDS_AT.set(time.monotonic() + remaining_seconds)


@contextlib.contextmanager
def deadline_within(seconds: float | None) -> Iterator[None]:
    """Give the block a deadline of its own; None lifts the deadline (long background work)."""
    token = _ENDS_AT.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS_AT.reset(token)


def remaining_seconds() -> float | None:
    """Give what is left of the deadline, possibly negative; None when there is none."""
    ends_at = _ENDS_AT.get()
    return None if ends_at is None else ends_at - time.monotonic()


def child_timeout(cap_seconds: float, asked_seconds: float | None = None) -> float:
    """Give the timeout of a child call: the least of cap, wish, and what is left less a margin.

    Raises: DeadlineExceeded when nothing is left.
    """
    timeout = cap_seconds if asked_seconds is None else min(cap_seconds, asked_seconds)
    ends_at = _ENDS_AT.get()
    if ends_at is not None:
        timeout = min(timeout, ends_at - time.monotonic() - MARGIN_SECONDS)
        if timeout <= 0:
            raise DeadlineExceeded
    return timeout
