"""Forecast replies kept under the versions that they were made from: in the process, then in Redis."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from google.protobuf.message import DecodeError
from prometheus_client import Counter
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_pb2
from shelfcast_servicekit.afterwards import Afterwards
from shelfcast_servicekit.cache import SingleFlight

if TYPE_CHECKING:
    from shelfcast.forecast.v1 import forecast_service_pb2

    from shelfcast_model.application.forecast_series import Sight

ENCODING: Final = "2"
"""Version of the value's meaning; a release that changes it raises it."""

_READS: Final = Counter("forecast_replies_total", "Forecast replies by where they came from.", ("source",))


class ByteCache(Protocol):
    """Bytes by key; a failure is a miss."""

    async def get(self, key: str) -> bytes | None:
        """Give the value of a key, or None."""

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> bool:
        """Store a value with a time to live."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What a reply must have been made from to be served: data version and champion's label."""

    data: str | None
    champion: str | None

    @property
    def are_known(self) -> bool:
        """Whether both are known; without them nothing is read from or put into a cache."""
        return self.data is not None and self.champion is not None


class Wish(Protocol):
    """A forecast that is asked for."""

    async def sight(self) -> Sight:
        """Find what it is made from."""

    async def make(self) -> forecast_pb2.Forecast:
        """Make it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A reply in the process."""

    versions: Versions
    """What it is good for without a look at the data."""
    inputs_version: str
    """Data version since which it would be the same."""
    reply: forecast_pb2.Forecast


class ForecastReplies:
    """Serves a kept forecast of the champion, or has it made once for all who wait for it.

    The layer in the process holds messages as they go out, by tenant and request bytes, each with the
    versions that it is good for: a hit costs one dictionary look-up and no parsing. When the data version
    moves, a reply whose series has not changed goes on under the new one (ADR 0041).
    """

    def __init__(self, cache: ByteCache, ttl_seconds: float, most_entries: int) -> None:
        """cache: Redis. most_entries: bound of the layer in the process; 0 switches it off."""
        self._cache = cache
        self._ttl_seconds = ttl_seconds
        self._most_entries = most_entries
        self._near: OrderedDict[tuple[str, bytes], _Kept] = OrderedDict()
        self._making: SingleFlight[str, forecast_pb2.Forecast] = SingleFlight()
        self.afterwards = Afterwards()
        words = ("process", "redis", "unchanged", "made", "unversioned")
        self._reads = {word: _READS.labels(word) for word in words}

    def near(self, tenant: str, request: bytes, versions: Versions) -> forecast_pb2.Forecast | None:
        """Give the kept reply from this process, or None."""
        held = self._near.get((tenant, request))
        if held is None or held.versions != versions:
            return None
        self._reads["process"].inc()
        return held.reply

    async def serve(
        self,
        tenant: str,
        request: forecast_service_pb2.GetForecastRequest,
        versions: Versions,
        wish: Wish,
    ) -> forecast_pb2.Forecast:
        """Give a kept reply that still holds, or make it once for all who ask meanwhile."""
        raw = request.SerializeToString(deterministic=True)
        key = cache_key(tenant, raw, versions)
        if not versions.are_known:
            self._reads["unversioned"].inc()
            return await self._making.run(key, wish.make)
        return await self._making.run(key, lambda: self._found_or_made((tenant, raw), versions, wish))

    async def _found_or_made(
        self, place: tuple[str, bytes], versions: Versions, wish: Wish
    ) -> forecast_pb2.Forecast:
        near = self._near.get(place)
        if near is None or near.versions.champion != versions.champion:
            near = None
            found = _parsed(await self._cache.get(cache_key(*place, versions)))
            if found is not None:
                self._reads["redis"].inc()
                self._keep(place, versions, versions.data or "", found)
                return found
        sight = await wish.sight()
        inputs_version = sight.inputs_version
        if inputs_version is not None:
            kept = await self._unchanged(place, versions, inputs_version, near)
            if kept is not None:
                self._reads["unchanged"].inc()
                reply = _at_version(kept, sight.data_version)
                self._keep(place, versions, inputs_version, reply)
                return reply
        reply = await wish.make()
        self._reads["made"].inc()
        if inputs_version is not None and is_keepable(reply, versions):
            self._keep(place, versions, inputs_version, reply)
            self.afterwards.begin(self._store(place, replace(versions, data=inputs_version), reply))
        return reply

    async def _store(
        self, place: tuple[str, bytes], versions: Versions, reply: forecast_pb2.Forecast
    ) -> None:
        await self._cache.set(cache_key(*place, versions), reply.SerializeToString(), self._ttl_seconds)

    async def _unchanged(
        self, place: tuple[str, bytes], versions: Versions, inputs_version: str, near: _Kept | None
    ) -> forecast_pb2.Forecast | None:
        """Give the reply of an earlier data version if its series is as it was, or None."""
        if near is not None and near.inputs_version == inputs_version:
            return near.reply
        if near is None and inputs_version == versions.data:
            return None  # that key was looked up already
        return _parsed(await self._cache.get(cache_key(*place, replace(versions, data=inputs_version))))

    def _keep(
        self, place: tuple[str, bytes], versions: Versions, inputs_version: str, reply: forecast_pb2.Forecast
    ) -> None:
        if not is_keepable(reply, versions):
            return
        self._near[place] = _Kept(versions, inputs_version, reply)
        self._near.move_to_end(place)
        while len(self._near) > self._most_entries:
            self._near.popitem(last=False)


def is_keepable(reply: forecast_pb2.Forecast, versions: Versions) -> bool:
    """Say whether a reply is the champion's on just the versions that it would be kept under."""
    if reply.rung != provenance_pb2.RUNG_CHAMPION or reply.data_version != versions.data:
        return False
    return f"{reply.model_version}.{reply.method}" == versions.champion


def cache_key(tenant: str, request: bytes, versions: Versions) -> str:
    """Give the key of a reply: tenant, request, versions of encoding, data and model.

    The data version is the one since which the series is as it is, not always the newest.
    """
    digest = hashlib.sha256(request).hexdigest()
    return f"shelfcast:{{{tenant}}}:forecast:{ENCODING}:{digest}:{versions.data}:{versions.champion}"


def _at_version(reply: forecast_pb2.Forecast, data_version: str) -> forecast_pb2.Forecast:
    """Give a reply that holds under another data version too."""
    moved = forecast_pb2.Forecast()
    moved.CopyFrom(reply)
    moved.data_version = data_version
    return moved


def _parsed(value: bytes | None) -> forecast_pb2.Forecast | None:
    if value is None:
        return None
    try:
        return forecast_pb2.Forecast.FromString(value)
    except DecodeError:
        return None
