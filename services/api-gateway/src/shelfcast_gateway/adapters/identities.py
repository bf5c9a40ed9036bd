"""Whose an API key is: asked of the data service, remembered for a short time."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from shelfcast_servicekit.auth import Caller
from shelfcast_servicekit.cache import SingleFlight
from shelfcast_servicekit.errors import CredentialInvalid, ShelfcastError

MOST_KEYS: Final = 10_000
LONGEST_KEY: Final = 256
REFUSED_SECONDS: Final = 5.0
AWAY_SECONDS: Final = 2.0
"""How long the data service is left in peace after it did not answer."""
AWAY: Final = frozenset({"UPSTREAM_UNAVAILABLE", "DEADLINE_EXCEEDED"})


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller | None
    """None: the key is nobody's."""
    since: float


class RememberedIdentities:
    """Remembers verdicts by the key's digest; while the data service is away older ones count too."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[Caller]],
        *,
        keep_seconds: float = 30.0,
        stale_seconds: float = 600.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """ask: gives the owner of a key, or raises CredentialInvalid."""
        self._ask = ask
        self._keep_seconds = keep_seconds
        self._stale_seconds = stale_seconds
        self._now = now
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._away_until = 0.0
        self._flight: SingleFlight[bytes, Caller] = SingleFlight()

    async def __call__(self, api_key: str) -> Caller:
        """Give the owner. Raises: CredentialInvalid, or what asking raised and no memory could mend."""
        if len(api_key) > LONGEST_KEY:
            raise CredentialInvalid
        digest = hashlib.sha256(api_key.encode()).digest()
        known = self._known.get(digest)
        if known is not None:
            age = self._now() - known.since
            if known.caller is not None and age < self._keep_seconds:
                return known.caller
            if known.caller is None and age < REFUSED_SECONDS:
                raise CredentialInvalid
            stand_in = self._stand_in(known)
            if stand_in is not None and self._now() < self._away_until:
                return stand_in
        return await self._flight.run(digest, lambda: self._renew(api_key, digest, known))

    async def _renew(self, api_key: str, digest: bytes, known: _Known | None) -> Caller:
        try:
            caller = await self._ask(api_key)
        except ShelfcastError as error:
            if error.reason == CredentialInvalid.reason:
                self._remember(digest, None)
                raise CredentialInvalid from error
            stand_in = self._stand_in(known) if error.reason in AWAY else None
            if stand_in is None:
                raise
            self._away_until = self._now() + AWAY_SECONDS
            return stand_in
        self._remember(digest, caller)
        return caller

    def _stand_in(self, known: _Known | None) -> Caller | None:
        if known is None or self._now() - known.since >= self._stale_seconds:
            return None
        return known.caller

    def _remember(self, digest: bytes, caller: Caller | None) -> None:
        self._known[digest] = _Known(caller, self._now())
        self._known.move_to_end(digest)
        if len(self._known) > MOST_KEYS:
            self._known.popitem(last=False)
