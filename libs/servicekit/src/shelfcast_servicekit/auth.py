"""Who is calling: internal tokens between services, API keys from outside, and the caller in context."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import jwt
from cachetools import TTLCache

from shelfcast_servicekit.errors import CredentialInvalid, CredentialMissing, ShelfcastError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

ISSUER: Final = "shelfcast"
ALGORITHM: Final = "HS256"
TOKEN_LIFETIME_SECONDS: Final = 300
TOKEN_REUSE_SECONDS: Final = 60
API_KEY_PREFIX: Final = "sk_"
SYSTEM_TENANT: Final = "system"

_LONGEST_CREDENTIAL: Final = 8192
_CLOCK_LEEWAY_SECONDS: Final = 60
_MOST_CACHED: Final = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, as a verified credential says."""

    tenant: str
    """Tenant whose data the call may touch."""
    principal: str
    """Stable name of the person or program, for instance `api-key:Ab3dE6gH`."""
    permissions: frozenset[str]
    """Permissions held, `<resource>.<read|write|approve|run|admin>`."""


_CALLER: ContextVar[Caller | None] = ContextVar("shelfcast_caller", default=None)


def current_caller() -> Caller:
    """Give the verified caller of the RPC that is being served.

    Raises: CredentialMissing outside a call, and in a public RPC called without a credential.
    """
    caller = _CALLER.get()
    if caller is None:
        raise CredentialMissing
    return caller


def caller_or_none() -> Caller | None:
    """Give the verified caller, or None where there is none."""
    return _CALLER.get()


def set_caller(caller: Caller | None) -> None:
    """Set the caller of the current context; the context ends with its RPC or task."""
    _CALLER.set(caller)


@contextlib.contextmanager
def calling_as(caller: Caller) -> Iterator[None]:
    """Make calls on behalf of `caller` within the block (workers, background tasks, tests)."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)


class CredentialVerifier(Protocol):
    """Turns the credential of a call into its caller."""

    async def verify(self, credential: str) -> Caller:
        """Give the caller. Raises: CredentialInvalid unless the credential is good."""


class TokenMinter:
    """Signs short-lived internal tokens, and reuses each for a minute per caller and audience."""

    def __init__(self, key: bytes, issuer: str = ISSUER, *, now: Callable[[], float] = time.time) -> None:
        """Sign with `key` (HS256, 32 bytes or more)."""
        self._key = key
        self._issuer = issuer
        self._now = now
        self._tokens: TTLCache[tuple[Caller, str], str] = TTLCache(_MOST_CACHED, TOKEN_REUSE_SECONDS)
        self._lock = threading.Lock()

    def token_for(self, caller: Caller, audience: str) -> str:
        """Give a token that lets `caller` call the service `audience` for up to five minutes."""
        with self._lock:
            token = self._tokens.get((caller, audience))
            if token is None:
                token = self._tokens[caller, audience] = self._sign(caller, audience)
            return token

    def _sign(self, caller: Caller, audience: str) -> str:
        issued_at = int(self._now())
        claims = {
            "iss": self._issuer,
            "aud": audience,
            "sub": caller.principal,
            "tenant": caller.tenant,
            "perms": sorted(caller.permissions),
            "iat": issued_at,
            "exp": issued_at + TOKEN_LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)


class TokenVerifier:
    """Checks internal tokens made for this service; a verdict is kept until the token expires."""

    def __init__(
        self, key: bytes, audience: str, issuer: str = ISSUER, *, now: Callable[[], float] = time.time
    ) -> None:
        """Accept tokens signed with `key` for `audience` only."""
        self._key = key
        self._audience = audience
        self._issuer = issuer
        self._now = now
        self._verdicts: dict[str, tuple[float, Caller]] = {}

    async def verify(self, credential: str) -> Caller:
        """Give the caller of a token. Raises: CredentialInvalid unless it is good and in time."""
        return self.check(credential)

    def check(self, token: str) -> Caller:
        """Give the caller of a token, without leaving the thread. Raises: CredentialInvalid."""
        verdict = self._verdicts.get(token)
        if verdict is not None and verdict[0] > self._now():
            return verdict[1]
        self._verdicts.pop(token, None)
        expires_at, caller = self._decode(token)
        while len(self._verdicts) >= _MOST_CACHED:
            self._verdicts.pop(next(iter(self._verdicts)), None)
        self._verdicts[token] = (expires_at, caller)
        return caller

    def _decode(self, token: str) -> tuple[float, Caller]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_CLOCK_LEEWAY_SECONDS,
                options={"require": ["exp", "aud", "iss", "sub", "iat"]},
            )
            return _caller_of(claims)
        except (jwt.InvalidTokenError, TypeError, ValueError) as error:
            raise CredentialInvalid from error


def _caller_of(claims: dict[str, object]) -> tuple[float, Caller]:
    tenant, permissions = claims.get("tenant"), claims.get("perms")
    expires_at, issued_at = float(str(claims["exp"])), float(str(claims["iat"]))
    if not isinstance(tenant, str) or not tenant or not isinstance(permissions, list):
        raise ValueError("tenant or perms is missing")
    if expires_at - issued_at > TOKEN_LIFETIME_SECONDS:
        raise ValueError("the token lives too long")
    caller = Caller(tenant, str(claims["sub"]), frozenset(map(str, permissions)))
    return expires_at + _CLOCK_LEEWAY_SECONDS, caller


class ChainVerifier:
    """Accepts internal tokens, and API keys by asking for their owner; API-key verdicts are kept."""

    def __init__(
        self,
        tokens: TokenVerifier,
        api_key: Callable[[str], Awaitable[Caller]] | None = None,
        *,
        keep_seconds: float = 30.0,
        keep_refused_seconds: float = 5.0,
    ) -> None:
        """api_key gives the caller of an API key or raises CredentialInvalid; None refuses API keys."""
        self._tokens = tokens
        self._api_key = api_key
        self._known: TTLCache[bytes, Caller] = TTLCache(_MOST_CACHED, keep_seconds)
        self._refused: TTLCache[bytes, bool] = TTLCache(_MOST_CACHED, keep_refused_seconds)

    async def verify(self, credential: str) -> Caller:
        """Give the caller of a token or API key. Raises: CredentialInvalid."""
        if not credential.startswith(API_KEY_PREFIX):
            return self._tokens.check(credential)
        if self._api_key is None or len(credential) > _LONGEST_CREDENTIAL:
            raise CredentialInvalid
        digest = hashlib.sha256(credential.encode()).digest()
        caller = self._known.get(digest)
        if caller is not None:
            return caller
        if digest in self._refused:
            raise CredentialInvalid
        return await self._ask(credential, digest, self._api_key)

    async def _ask(self, key: str, digest: bytes, ask: Callable[[str], Awaitable[Caller]]) -> Caller:
        try:
            caller = await ask(key)
        except ShelfcastError as error:
            if error.reason == CredentialInvalid.reason:
                self._refused[digest] = True
                raise CredentialInvalid from error
            raise
        self._known[digest] = caller
        return caller
