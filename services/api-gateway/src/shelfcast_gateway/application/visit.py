"""What is known of one request while it is served; the reply's headers are made of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from shelfcast_servicekit.auth import Caller

from shelfcast_gateway.domain.exchange import Inbound
from shelfcast_gateway.domain.rate_limit import Limit, Verdict


@dataclass(slots=True)
class Visit:
    """One request on its way through the house."""

    inbound: Inbound
    request_id: str
    """Id for logs, headers and onward calls."""
    started: float = field(default_factory=time.perf_counter)
    """Clock reading at its arrival, in seconds."""
    caller: Caller | None = None
    """Who asks, once known."""
    limit: Limit | None = None
    """Rate limit that was applied."""
    verdict: Verdict | None = None
    """What the rate limit said."""
    cache_status: str = ""
    """Value of the Cache-Status header; empty means none."""
    presence: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Context in which the work is cancelled when the client goes away."""
    timings: list[tuple[str, float]] = field(default_factory=list)
    """Names and seconds of the steps so far."""

    def mark(self, name: str, since: float) -> float:
        """Note that a step that began at `since` is over; give the clock's reading."""
        now = time.perf_counter()
        self.timings.append((name, now - since))
        return now
