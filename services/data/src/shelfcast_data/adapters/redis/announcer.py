"""Announcements of data versions from the worker, which has no event loop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import redis
from redis.exceptions import RedisError
from shelfcast_servicekit.version import ANNOUNCEMENT_TTL_SECONDS, version_key

if TYPE_CHECKING:
    from redis import Redis

DATA_VERSION: Final = "data_version"
_TIMEOUT_SECONDS: Final = 1.0
_LOG: Final = logging.getLogger(__name__)


class WorkerAnnouncer:
    """Announces a version once; the service's beacon repeats it."""

    def __init__(self, redis_url: str) -> None:
        """Announce on the Redis at `redis_url`."""
        self._client: Redis = redis.Redis.from_url(
            redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
        )

    def announce(self, tenant: str, version: str) -> None:
        """Announce a version; a silent Redis only delays the news."""
        try:
            self._client.set(version_key(tenant, DATA_VERSION), version, ex=ANNOUNCEMENT_TTL_SECONDS)
        except (RedisError, OSError):
            _LOG.debug("version not announced", exc_info=True)
