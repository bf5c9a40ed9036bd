"""The generic cell rate algorithm: how many requests a caller may make, without counting them.

Source: ITU-T I.371, Annex A, the virtual scheduling form. The Lua script of the Redis door repeats it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate and the burst that it tolerates."""

    name: str
    """Name of the route class, for the reply's headers."""
    per_second: float
    """Requests a second in the long run."""
    burst: int
    """Requests that may come at once."""

    @property
    def interval_seconds(self) -> float:
        """Give the time that one request uses up."""
        return 1.0 / self.per_second

    @property
    def policy(self) -> str:
        """Give the value of the RateLimit-Policy header."""
        return f'"{self.name}";q={self.burst};w={max(1, math.ceil(self.burst / self.per_second))}'


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what is left."""

    is_allowed: bool
    remaining: int
    """Requests that could follow at once."""
    retry_after_seconds: float
    """When a refused request may come again; 0 if allowed."""
    reset_seconds: float
    """When the whole burst is free again."""

    def header(self, limit: Limit) -> str:
        """Give the value of the RateLimit header."""
        return f'"{limit.name}";r={self.remaining};t={math.ceil(self.reset_seconds)}'


def decide(limit: Limit, full_at: float, now: float) -> tuple[Verdict, float]:
    """Judge a request at `now`; give the verdict and the new theoretical arrival time.

    full_at: theoretical arrival time so far (seconds, same clock as now); 0 means never seen.
    tat = max(full_at, now); refused if tat + T - burst * T > now; else tat' = tat + T.

    >>> decide(Limit("read", 1.0, 2), 0.0, 10.0)[1]
    11.0
    """
    interval = limit.interval_seconds
    begin = max(full_at, now)
    allow_at = begin + interval - limit.burst * interval
    if allow_at > now:
        return Verdict(False, 0, allow_at - now, begin - now), full_at
    left = int((limit.burst * interval - (begin + interval - now)) / interval + 1e-9)
    return Verdict(True, left, 0.0, begin + interval - now), begin + interval
