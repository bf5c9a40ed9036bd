"""What the door's use cases need from outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from google.protobuf.message import Message
from shelfcast_servicekit.auth import Caller

from shelfcast_gateway.domain.binding import Binding
from shelfcast_gateway.domain.exchange import Sent, Written
from shelfcast_gateway.domain.rate_limit import Limit, Verdict


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim to be the one request of an idempotency key."""

    key: str
    """Name of the record: route and client's key, digested."""
    request_hash: str
    """Digest of everything that the request asks."""
    lease_seconds: float
    """How long the claim holds if its holder dies."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one request asks of the door, all in one round trip."""

    tenant: str
    principal: str
    limit: Limit
    """Rate limit that applies."""
    reply_digest: str = ""
    """Digest of RPC and request whose kept reply is wanted; empty means none."""
    claim: Claim | None = None
    """Idempotency key to claim; None means none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the door answered."""

    verdict: Verdict
    """Whether the request may pass."""
    versions: tuple[str, str] | None = None
    """Announced data and model version; None when one is missing: then nothing is kept."""
    reply: bytes | None = None
    """Kept reply under these versions."""
    claim: Literal["none", "granted", "running", "reused", "done"] = "none"
    """What became of the claim; `none` also when Redis is away."""
    record: bytes = b""
    """Stored reply of a claim that is done."""


class Door(Protocol):
    """Rate limit, reply cache and idempotency records; never a reason to fail."""

    async def enter(self, ticket: Ticket) -> Entry:
        """Judge a request and look up what is kept for it."""

    async def keep(self, tenant: str, digest: str, versions: tuple[str, str], reply: KeptReply) -> None:
        """Keep a reply under its versions, and its stand-in without."""

    async def last_good(self, tenant: str, digest: str) -> bytes | None:
        """Give the stand-in for a reply, or None."""

    async def settle(self, tenant: str, claim: Claim, record: bytes | None) -> None:
        """Store the outcome of a claim for a day; None gives the claim up."""


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply to keep, and for how long."""

    body: bytes
    seconds: float
    stale_body: bytes = b""
    stale_seconds: float = 0.0


class Identities(Protocol):
    """Knows whose an API key is."""

    def __call__(self, api_key: str) -> Awaitable[Caller]:
        """Give the caller. Raises: CredentialInvalid, UpstreamUnavailable, DeadlineExceeded."""


class PendingCall(Protocol):
    """A call under way."""

    def __await__(self) -> object:
        """Wait for the reply."""

    def cancel(self) -> bool:
        """Cancel the call."""


class Operation(Protocol):
    """One binding, compiled: reads requests, calls the RPC, writes replies."""

    @property
    def binding(self) -> Binding:
        """The binding."""

    @property
    def takes_body(self) -> bool:
        """Whether a body is due."""

    def read(self, sent: Sent) -> Message:
        """Give the request message. Raises: one error that lists all faults."""

    def read_fields(self, texts: Mapping[str, list[str]], query: bytes) -> Message:
        """Give the first message of an upload. Raises: one error that lists all faults."""

    def chunk(self, data: bytes) -> Message:
        """Give a further message of an upload."""

    def read_named(self, sent: Sent) -> tuple[Message, str]:
        """Give the request of a route without a body, and its digest, both remembered."""

    def digest(self, request: Message) -> str:
        """Give the name of a request among those of all RPCs."""

    async def call(self, request: Message, metadata: Mapping[str, str]) -> Message:
        """Give the reply; cancelled with the awaiting task. Raises: ShelfcastError."""

    async def upload(self, requests: AsyncIterator[Message], metadata: Mapping[str, str]) -> Message:
        """Give the reply to a stream. Raises: ShelfcastError."""

    def watch(self, request: Message) -> AsyncGenerator[Message, None]:
        """Give the replies of a streaming RPC. Raises: ShelfcastError."""

    def write(self, reply: Message) -> Written:
        """Give the HTTP form of a reply."""

    def json_line(self, reply: Message) -> bytes:
        """Give one message of a stream as JSON."""
