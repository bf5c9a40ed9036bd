"""The door without Redis: a rate limit of this process alone, and nothing kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from shelfcast_gateway.domain.rate_limit import decide
from shelfcast_gateway.ports import Claim, Entry, KeptReply, Ticket

MOST_CALLERS: Final = 10_000


class LocalDoor:
    """Judges by what this process has seen; stands in while Redis is away."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """now: seconds of a clock that only goes forwards."""
        self._now = now
        self._full_at: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def enter(self, ticket: Ticket) -> Entry:
        """Judge a request; nothing is kept for it."""
        key = (ticket.tenant, ticket.principal, ticket.limit.name)
        verdict, full_at = decide(ticket.limit, self._full_at.get(key, 0.0), self._now())
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MOST_CALLERS:
            self._full_at.popitem(last=False)
        return Entry(verdict)

    async def keep(self, tenant: str, digest: str, versions: tuple[str, str], reply: KeptReply) -> None:
        """Keep nothing."""

    async def last_good(self, tenant: str, digest: str) -> bytes | None:
        """Give nothing."""
        del tenant, digest
        return None

    async def settle(self, tenant: str, claim: Claim, record: bytes | None) -> None:
        """Store nothing."""
