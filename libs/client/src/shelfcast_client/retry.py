"""When a refused request is sent again, and how long is waited before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from shelfcast_client.errors import RequestRefused, ServiceUnreachable

T = TypeVar("T")

RETRIED_STATUS: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is repeated."""

    attempt_count: int = 5
    """Attempts in all, 1 or more."""
    first_wait_seconds: float = 0.2
    """Wait before the second attempt; it doubles from then on."""
    longest_wait_seconds: float = 10.0
    """Longest single wait; a service that asks for more is not asked again."""

    def wait_seconds(self, attempt: int, asked_seconds: float | None, share: float) -> float:
        """Give the wait after a failed attempt (1 is the first).

        asked_seconds: the service's Retry-After, which is never undercut. share: 0 to 1, spreads callers that
        failed together over the wait ("full jitter").
        Source: Brooker (2015), Exponential Backoff And Jitter, AWS Architecture Blog.
        """
        ceiling = min(self.first_wait_seconds * 2.0 ** (attempt - 1), self.longest_wait_seconds)
        return max(asked_seconds or 0.0, share * ceiling)


async def with_retries(call: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """Give the reply of `call`, repeated while it is refused for a passing reason.

    `call` must be safe to repeat: a read, or a write under an idempotency key.
    Raises: what the last attempt raised.
    """
    for attempt in range(1, policy.attempt_count):
        try:
            return await call()
        except (RequestRefused, ServiceUnreachable) as error:
            asked = _asked_seconds(error, policy)
            await asyncio.sleep(policy.wait_seconds(attempt, asked, random.random()))  # noqa: S311 - spreads load
    return await call()


def _asked_seconds(error: RequestRefused | ServiceUnreachable, policy: RetryPolicy) -> float | None:
    """Give how long the service asks to wait; raise the error again if a repeat cannot help."""
    if isinstance(error, ServiceUnreachable):
        return None
    asked = error.problem.retry_after_seconds
    if error.problem.status not in RETRIED_STATUS or (asked or 0.0) > policy.longest_wait_seconds:
        raise error
    return asked
