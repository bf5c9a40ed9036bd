"""The guard: who asks, may they, and how often."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shelfcast_servicekit.auth import Caller, set_caller
from shelfcast_servicekit.errors import (
    CredentialInvalid,
    CredentialMissing,
    FieldRuleViolated,
    IdempotencyKeyReused,
    PermissionMissing,
    RateLimited,
    RequestInFlight,
    Violation,
)

from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.binding import Binding, RouteClass
from shelfcast_gateway.domain.exchange import Inbound
from shelfcast_gateway.domain.rate_limit import Limit
from shelfcast_gateway.ports import Claim, Door, Entry, Identities, Ticket

IDEMPOTENCY_KEY: Final = b"idempotency-key"
LONGEST_KEY: Final = 255
LEASE_MARGIN_SECONDS: Final = 5.0
BUSY_SECONDS: Final = 1.0

_BEARER: Final = b"bearer"
_CLAIMING: Final = frozenset({"POST", "PATCH"})


@dataclass(frozen=True, slots=True)
class Admit:
    """Lets a request in, or raises what stands against it."""

    identities: Identities
    door: Door
    limits: Mapping[RouteClass, Limit]

    async def identify(self, binding: Binding, visit: Visit) -> Caller:
        """Give the caller, who holds the permission of the route.

        Raises: CredentialMissing, CredentialInvalid, PermissionMissing, UpstreamUnavailable.
        """
        since = time.perf_counter()
        if binding.access.is_public:
            caller = Caller("public", f"client:{visit.inbound.client}", frozenset())
        else:
            caller = await self.identities(credential_of(visit.inbound))
            if binding.access.permission not in caller.permissions:
                raise PermissionMissing(permission=binding.access.permission)
        visit.caller = caller
        set_caller(caller)
        visit.mark("auth", since)
        return caller

    async def enter(
        self, binding: Binding, visit: Visit, *, digest: str = "", claim: Claim | None = None
    ) -> Entry:
        """Pass the rate limit and learn what is kept, in one round trip.

        Raises: RateLimited, IdempotencyKeyReused, RequestInFlight.
        """
        since = time.perf_counter()
        caller = visit.caller
        if caller is None:
            raise CredentialMissing
        limit = self.limits[binding.route_class]
        entry = await self.door.enter(Ticket(caller.tenant, caller.principal, limit, digest, claim))
        visit.limit, visit.verdict = limit, entry.verdict
        visit.mark("door", since)
        if not entry.verdict.is_allowed:
            raise RateLimited(retry_after_seconds=entry.verdict.retry_after_seconds)
        if entry.claim == "reused":
            raise IdempotencyKeyReused
        if entry.claim == "running":
            raise RequestInFlight(retry_after_seconds=BUSY_SECONDS)
        return entry


def credential_of(inbound: Inbound) -> str:
    """Give the API key of a request. Raises: CredentialMissing, CredentialInvalid."""
    header = inbound.headers.get(b"authorization")
    if header is not None:
        scheme, _, key = header.strip().partition(b" ")
        if scheme.lower() != _BEARER:
            raise CredentialInvalid
        key = key.strip()
    else:
        key = inbound.headers.get(b"x-api-key", b"").strip()
    if not key:
        raise CredentialMissing
    return key.decode("latin-1")


def claim_of(binding: Binding, inbound: Inbound, body: bytes) -> Claim | None:
    """Give the claim that a request makes by its idempotency key, or None.

    Raises: FieldRuleViolated for a key that is empty or too long.
    """
    key = inbound.headers.get(IDEMPOTENCY_KEY)
    if key is None or inbound.method not in _CLAIMING:
        return None
    check_key(key)
    text = b"\0".join((inbound.method.encode(), inbound.path, inbound.query, body))
    return Claim(
        key=_digest(binding.rpc.encode() + b"\0" + key),
        request_hash=_digest(text),
        lease_seconds=binding.call.deadline_seconds + LEASE_MARGIN_SECONDS,
    )


def check_key(key: bytes) -> None:
    """Check that an idempotency key is 1 to 255 printable characters. Raises: FieldRuleViolated."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.decode("latin-1").isprintable():
        detail = f"Idempotency-Key takes 1 to {LONGEST_KEY} printable ASCII characters."
        raise FieldRuleViolated(violations=[Violation("", detail, "idempotency_key")])


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()
