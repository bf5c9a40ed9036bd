"""The door in Redis: rate limit, kept replies and idempotency records in one round trip."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Literal, TypeVar, cast

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError
from shelfcast_servicekit.cache import Breaker
from shelfcast_servicekit.version import version_key

from shelfcast_gateway.adapters.script import Script
from shelfcast_gateway.domain.rate_limit import Verdict
from shelfcast_gateway.ports import Claim, Door, Entry, KeptReply, Ticket

T = TypeVar("T")

RECORD_SECONDS: Final = 24 * 3600
_RUNNING: Final = b"R"
_DONE: Final = b"D"
_HASH_LENGTH: Final = 32

_TRACER: Final = trace.get_tracer("shelfcast.gateway.door")
_READS: Final = Counter("gateway_replies_total", "Kept replies by outcome.", ("outcome",))
_HIT: Final = _READS.labels("hit")
_MISS: Final = _READS.labels("miss")
_BYPASS: Final = _READS.labels("bypass")
_SPAN_FACTS: Final = {"db.system.name": "redis", "db.operation.name": "EVALSHA"}

RawEntry = tuple[int, int, int, int, bytes | None, bytes | None, bytes | None, bytes | None]


class RedisDoor:
    """Asks Redis with a short leash; a local door stands in while Redis is away."""

    def __init__(self, client: Redis, fallback: Door, breaker: Breaker | None = None) -> None:
        """fallback: judges requests while Redis does not answer."""
        self._client = client
        self._fallback = fallback
        self.breaker = breaker or Breaker()
        self._enter = Script(client, "door.lua", key_count=4)
        self._settle = Script(client, "settle.lua", key_count=1)

    async def enter(self, ticket: Ticket) -> Entry:
        """Judge a request and look up what is kept for it; by the local door when Redis is away."""
        raw = await self._guarded(self._ask(ticket))
        if raw is None:
            _BYPASS.inc()
            return await self._fallback.enter(ticket)
        entry = _entry(ticket, raw)
        if ticket.reply_digest:
            (_HIT if entry.reply is not None else _MISS if entry.versions else _BYPASS).inc()
        return entry

    async def _ask(self, ticket: Ticket) -> RawEntry:
        tenant, claim, limit = ticket.tenant, ticket.claim, ticket.limit
        raw = await self._enter(
            _key(tenant, f"limit:{ticket.principal}:{limit.name}"),
            version_key(tenant, "data_version"),
            version_key(tenant, "model_version"),
            _record_key(tenant, claim) if claim else "",
            limit.interval_seconds * 1e6,
            limit.burst,
            _key(tenant, f"reply:{ticket.reply_digest}") if ticket.reply_digest else "",
            _claim_text(claim) if claim else "",
            int(claim.lease_seconds * 1000) if claim else 0,
        )
        return cast("RawEntry", raw)

    async def keep(self, tenant: str, digest: str, versions: tuple[str, str], reply: KeptReply) -> None:
        """Keep a reply under its versions, and its stand-in without; a failure loses only time."""
        await self._guarded(self._store(tenant, digest, versions, reply))

    async def _store(self, tenant: str, digest: str, versions: tuple[str, str], reply: KeptReply) -> None:
        key = _key(tenant, f"reply:{digest}:{versions[0]}:{versions[1]}")
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.set(key, reply.body, px=_millis(reply.seconds))
            if reply.stale_body and reply.stale_seconds:
                pipe.set(_last_good_key(tenant, digest), reply.stale_body, px=_millis(reply.stale_seconds))
            await pipe.execute()

    async def last_good(self, tenant: str, digest: str) -> bytes | None:
        """Give the stand-in for a reply, or None."""
        found = await self._guarded(self._client.get(_last_good_key(tenant, digest)))
        return cast("bytes | None", found)

    async def settle(self, tenant: str, claim: Claim, record: bytes | None) -> None:
        """Store the outcome of a claim for a day; None gives the claim up."""
        stored = b"" if record is None else _DONE + claim.request_hash.encode() + record
        await self._guarded(
            self._settle(_record_key(tenant, claim), _claim_text(claim), stored, _millis(RECORD_SECONDS))
        )

    async def _guarded(self, command: Awaitable[T]) -> T | None:
        if not self.breaker.admits():
            _close(command)
            return None
        span = _start_span()
        try:
            answer = await command
        except (RedisError, OSError, TimeoutError) as error:
            self.breaker.failed()
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", type(error).__name__)
            return None
        else:
            self.breaker.succeeded()
            return answer
        finally:
            span.end()


def _close(command: Awaitable[object]) -> None:
    """End a coroutine that will not be awaited, so that nothing warns of it."""
    close = getattr(command, "close", None)
    if close is not None:
        close()


def _start_span() -> trace.Span:
    if not trace.get_current_span().is_recording():
        return trace.INVALID_SPAN
    return _TRACER.start_span("EVALSHA redis", kind=SpanKind.CLIENT, attributes=_SPAN_FACTS)


def _key(tenant: str, name: str) -> str:
    return version_key(tenant, name)


def _last_good_key(tenant: str, digest: str) -> str:
    return _key(tenant, f"last_good:{digest}")


def _record_key(tenant: str, claim: Claim) -> str:
    return _key(tenant, f"idempotency:{claim.key}")


def _claim_text(claim: Claim) -> bytes:
    return _RUNNING + claim.request_hash.encode()


def _millis(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _entry(ticket: Ticket, raw: RawEntry) -> Entry:
    allowed, left, retry_us, reset_us, data, model, reply, record = raw
    verdict = Verdict(bool(allowed), left, retry_us / 1e6, reset_us / 1e6)
    versions = (data.decode(), model.decode()) if data and model else None
    if ticket.claim is None or not allowed:
        return Entry(verdict, versions, reply)
    outcome, stored = _outcome(ticket.claim, record)
    return Entry(verdict, versions, reply, outcome, stored)


def _outcome(
    claim: Claim, record: bytes | None
) -> tuple[Literal["granted", "running", "reused", "done"], bytes]:
    if record is None:
        return "granted", b""
    kind, known_hash, rest = record[:1], record[1 : 1 + _HASH_LENGTH], record[1 + _HASH_LENGTH :]
    if known_hash != claim.request_hash.encode():
        return "reused", b""
    return ("done", rest) if kind == _DONE else ("running", b"")
