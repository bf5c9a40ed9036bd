"""Versions announced in Redis, so that a cache key can name them without asking their owner."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from shelfcast_servicekit.cache import Breaker, SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from redis.asyncio import Redis

ANNOUNCEMENT_TTL_SECONDS: Final = 15
ANNOUNCE_EVERY_SECONDS: Final = 5.0
READER_TTL_SECONDS: Final = 0.25
"""A reader knows of a new version after this time plus one round trip, at the latest."""

_FORGET_AFTER_SECONDS: Final = 60.0
_MOST_TENANTS: Final = 1000

_LOG: Final = logging.getLogger(__name__)


def version_key(tenant: str, name: str) -> str:
    """Give the key of an announcement; the braces keep a tenant's keys on one Cluster node."""
    return f"shelfcast:{{{tenant}}}:{name}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


class VersionBeacon:
    """Announces the current version of each tenant: on demand, and every five seconds."""

    def __init__(
        self,
        client: Redis,
        name: str,
        current: Callable[[], Awaitable[Mapping[str, str]]],
        every_seconds: float = ANNOUNCE_EVERY_SECONDS,
    ) -> None:
        """name: `data_version` or `model_version`. current: gives all versions by tenant."""
        self._client = client
        self._name = name
        self._current = current
        self._every_seconds = every_seconds

    async def announce(self, tenant: str, version: str) -> None:
        """Announce one version now, right after its commit; a silent Redis only delays the news."""
        try:
            await self._client.set(version_key(tenant, self._name), version, ex=ANNOUNCEMENT_TTL_SECONDS)
        except (RedisError, OSError, TimeoutError):
            _LOG.debug("version not announced", exc_info=True)

    async def announce_all(self) -> None:
        """Announce every tenant's version now."""
        for tenant, version in (await self._current()).items():
            await self.announce(tenant, version)

    async def run(self) -> None:
        """Announce all versions again and again until cancelled; a background task of the service."""
        while True:
            await self.announce_all()
            await asyncio.sleep(self._every_seconds)


class VersionReader:
    """Reads announcements with a tiny in-process memory, so that a hot request needs no round trip.

    A version is at most `ttl_seconds` old when it is used: tenants that were asked for in the last
    minute are read again in the background before that, and otherwise on demand.
    """

    def __init__(self, client: Redis, names: Sequence[str], ttl_seconds: float = READER_TTL_SECONDS) -> None:
        """names: the announcements that are read together, for instance data_version and model_version."""
        self._client = client
        self._names = tuple(names)
        self._ttl_seconds = ttl_seconds
        self._breaker = Breaker()
        self._flight: SingleFlight[str, tuple[str | None, ...]] = SingleFlight()
        self._known: dict[str, tuple[float, tuple[str | None, ...]]] = {}
        self._asked_at: dict[str, float] = {}

    async def read(self, tenant: str) -> tuple[str | None, ...]:
        """Give the versions in the order of `names`; None for each that nobody announces."""
        now = time.monotonic()
        self._asked_at[tenant] = now
        known = self._known.get(tenant)
        if known is not None and now - known[0] < self._ttl_seconds:
            return known[1]
        return await self._flight.run(tenant, lambda: self._fetch(tenant))

    async def _fetch(self, tenant: str) -> tuple[str | None, ...]:
        """Ask Redis; while it is away, versions are unknown at once and a probe goes out now and then."""
        read_at = time.monotonic()
        versions: tuple[str | None, ...] = (None,) * len(self._names)
        if self._breaker.admits():
            try:
                values = await self._client.mget([version_key(tenant, name) for name in self._names])
            except (RedisError, OSError, TimeoutError):
                self._breaker.failed()
                read_at = time.monotonic()
            else:
                self._breaker.succeeded()
                versions = tuple(None if value is None else _text(value) for value in values)
        self._known[tenant] = (read_at, versions)
        return versions

    async def run(self) -> None:
        """Keep the versions of busy tenants fresh until cancelled; a background task of the service."""
        while True:
            await asyncio.sleep(self._ttl_seconds / 2)
            self._forget()
            for tenant in list(self._asked_at):
                await self._fetch(tenant)

    def _forget(self) -> None:
        oldest = time.monotonic() - _FORGET_AFTER_SECONDS
        idle = [tenant for tenant, asked_at in self._asked_at.items() if asked_at < oldest]
        idle += list(self._asked_at)[_MOST_TENANTS:]
        for tenant in idle:
            self._asked_at.pop(tenant, None)
            self._known.pop(tenant, None)
