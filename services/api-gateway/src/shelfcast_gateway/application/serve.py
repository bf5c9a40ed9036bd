"""Serves one plain call: read, look up or call, write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import orjson
from google.protobuf.message import Message
from shelfcast_servicekit.afterwards import Afterwards
from shelfcast_servicekit.cache import SingleFlight
from shelfcast_servicekit.errors import ShelfcastError

from shelfcast_gateway.application.admit import IDEMPOTENCY_KEY, Admit, claim_of
from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.etag import ANY, is_match, listed, weak_of
from shelfcast_gateway.domain.exchange import Header, Outbound, Sent, Written
from shelfcast_gateway.ports import Claim, Entry, KeptReply, Operation

JSON: Final[Header] = (b"content-type", b"application/json")
PRIVATE: Final[Header] = (b"cache-control", b"private, no-cache")
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")
GONE: Final = frozenset({"UPSTREAM_UNAVAILABLE", "DEADLINE_EXCEEDED"})
NOT_MODIFIED: Final = 304

LARGE_BYTES: Final = 256 * 1024
"""From this size on a conversion would hold up the event loop for some milliseconds."""

A = TypeVar("A")
B = TypeVar("B")


class OffLoop(Protocol):
    """Runs a function on a thread."""

    def __call__(self, work: Callable[[A], B], argument: A, /) -> Awaitable[B]:
        """Give what the function gives."""


ReadBody = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Serve:
    """Serves requests whose RPC takes and gives one message."""

    admit: Admit
    off_loop: OffLoop
    flight: SingleFlight[tuple[str, str], Written] = field(default_factory=SingleFlight)
    afterwards: Afterwards = field(default_factory=Afterwards)

    async def __call__(
        self, operation: Operation, visit: Visit, variables: Mapping[str, str], read_body: ReadBody
    ) -> Outbound:
        """Give the reply.

        read_body: gives the whole body within the size limit; awaited only where a body is due.
        Raises: ShelfcastError, whatever stands against the request.
        """
        binding = operation.binding
        caller = await self.admit.identify(binding, visit)
        inbound = visit.inbound
        if binding.is_cacheable and not operation.takes_body:
            return await self._cached(operation, visit, Sent(variables, inbound.query), caller.tenant)
        body = await read_body() if operation.takes_body else b""
        since = time.perf_counter()
        sent = Sent(variables, inbound.query, body, held_version(visit))
        request = await self._off_loop(len(body), operation.read, sent)
        visit.mark("read", since)
        claim = claim_of(binding, inbound, body)
        entry = await self.admit.enter(binding, visit, claim=claim)
        if entry.claim == "done":
            return replay(entry.record)
        if claim is None or entry.claim != "granted":
            return await self._called(operation, visit, request)
        return await self._claimed(operation, visit, request, claim)

    async def _off_loop(self, size: int, work: Callable[[A], B], argument: A) -> B:
        """Run a conversion; on a thread if it is large, so that nobody else waits for it."""
        return await self.off_loop(work, argument) if size > LARGE_BYTES else work(argument)

    async def _called(self, operation: Operation, visit: Visit, request: Message) -> Outbound:
        since = time.perf_counter()
        async with visit.presence():
            reply = await operation.call(request, onward(visit))
        since = visit.mark("upstream", since)
        written = await self._off_loop(reply.ByteSize(), operation.write, reply)
        visit.mark("write", since)
        return finished(operation, visit, written)

    async def _claimed(self, operation: Operation, visit: Visit, request: Message, claim: Claim) -> Outbound:
        tenant = "" if visit.caller is None else visit.caller.tenant
        settle = self.admit.door.settle
        try:
            outbound = await self._called(operation, visit, request)
        except BaseException:
            await asyncio.shield(settle(tenant, claim, None))
            raise
        await settle(tenant, claim, record_of(outbound))
        return outbound

    async def _cached(self, operation: Operation, visit: Visit, sent: Sent, tenant: str) -> Outbound:
        request, digest = operation.read_named(sent)
        entry = await self.admit.enter(operation.binding, visit, digest=digest)
        if entry.reply is not None:
            visit.cache_status = "shelfcast; hit"
            return finished(operation, visit, kept(entry.reply))
        since = time.perf_counter()
        try:
            async with visit.presence():
                written = await self.flight.run(
                    (tenant, digest), lambda: self._computed(operation, request, visit, entry, tenant)
                )
        except ShelfcastError as error:
            return await self._stand_in(operation, visit, digest, error)
        finally:
            visit.mark("upstream", since)
        visit.cache_status = "shelfcast; fwd=miss"
        return finished(operation, visit, written)

    async def _computed(
        self,
        operation: Operation,
        request: Message,
        visit: Visit,
        entry: Entry,
        tenant: str,
    ) -> Written:
        reply = await operation.call(request, onward(visit))
        written = operation.write(reply)
        call = operation.binding.call
        if entry.versions is not None and is_keepable(written, entry.versions):
            kept_reply = KeptReply(written.body, call.cache_seconds, written.stale_body, call.stale_seconds)
            digest = operation.digest(request)
            self.afterwards.begin(self.admit.door.keep(tenant, digest, entry.versions, kept_reply))
        return written

    async def _stand_in(
        self, operation: Operation, visit: Visit, digest: str, error: ShelfcastError
    ) -> Outbound:
        """Serve an earlier reply while the service is away: the rung `last_good` of the ladder."""
        if error.reason not in GONE or not operation.binding.call.stale_seconds or visit.caller is None:
            raise error
        body = await self.admit.door.last_good(visit.caller.tenant, digest)
        if body is None:
            raise error
        visit.cache_status = "shelfcast; fwd=stale"
        return finished(operation, visit, kept(body))


def held_version(visit: Visit) -> str:
    """Give the version tag that the client says it holds; empty for none and for any."""
    header = visit.inbound.headers.get(b"if-match")
    tags = [] if header is None else listed(header.decode("latin-1"))
    return "" if tags == [ANY] else ",".join(tags)


def onward(visit: Visit) -> dict[str, str]:
    """Give the metadata that goes on to the service: an allow-list, nothing else a client sent."""
    key = visit.inbound.headers.get(IDEMPOTENCY_KEY)
    return {} if key is None else {"idempotency-key": key.decode("latin-1")}


def is_keepable(written: Written, versions: tuple[str, str]) -> bool:
    """Say whether a reply may be kept: it is on the best step and was made under these versions.

    A reply that names another version than the announced one was made while the news was on its way. Behind a
    point, an announcement may say more than replies do: `20260701_020000.gru` names the champion too.
    """
    if not written.is_best:
        return False
    pairs = zip(written.versions, versions, strict=True)
    return all(named is None or announced.partition(".")[0] == named for named, announced in pairs)


def kept(body: bytes) -> Written:
    """Give a kept body its HTTP form."""
    return Written(body, weak_of(body))


def finished(operation: Operation, visit: Visit, written: Written) -> Outbound:
    """Give the reply for a success: status, entity tag, location, or 304."""
    binding = operation.binding
    headers: list[Header] = [PRIVATE if not binding.has_side_effects else NO_STORE]
    if written.etag:
        headers.append((b"etag", written.etag.encode()))
        wanted = visit.inbound.headers.get(b"if-none-match")
        if wanted is not None and binding.verb == "GET" and is_match(wanted.decode("latin-1"), written.etag):
            return Outbound(NOT_MODIFIED, headers)
    if written.location:
        headers.append((b"location", written.location.encode("ascii")))
    if written.body:
        headers.append(JSON)
    return Outbound(binding.call.success_status, headers, written.body)


def record_of(outbound: Outbound) -> bytes:
    """Give the form in which a reply is stored under an idempotency key."""
    names = [(name.decode(), value.decode()) for name, value in outbound.headers]
    return orjson.dumps({"status": outbound.status, "headers": names}) + b"\n" + outbound.body


def replay(record: bytes) -> Outbound:
    """Give the stored reply again.

    >>> replay(record_of(Outbound(201, [(b"etag", b"7")], b"{}"))).status
    201
    """
    head, _, body = record.partition(b"\n")
    stored = orjson.loads(head)
    headers = [(name.encode(), value.encode()) for name, value in stored["headers"]]
    return Outbound(int(stored["status"]), [*headers, REPLAYED], body)
