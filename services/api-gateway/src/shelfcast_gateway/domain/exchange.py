"""A request as the door sees it, and the reply that leaves it; neither knows ASGI nor protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Header: TypeAlias = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a client sent, apart from the body."""

    method: str
    """HTTP method, upper case."""
    path: bytes
    """Path as sent, still percent-encoded."""
    query: bytes
    """Query string as sent."""
    headers: Mapping[bytes, bytes]
    """Headers by lower-case name; of a repeated one the last counts."""
    client: str = ""
    """Address of the peer."""

    def header(self, name: bytes) -> str:
        """Give a header's text, empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(frozen=True, slots=True)
class Sent:
    """What fills a request message: path variables, query and body."""

    variables: Mapping[str, str]
    query: bytes = b""
    body: bytes = b""
    if_match: str = ""
    """Version tag that the client holds, without quotes; empty means none."""


@dataclass(slots=True)
class Outbound:
    """What goes back to the client."""

    status: int
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Written:
    """A reply message in its HTTP form."""

    body: bytes
    """JSON text."""
    etag: str
    """Value of the ETag header; empty means none."""
    location: str = ""
    """Value of the Location header; empty means none."""
    stale_body: bytes = b""
    """JSON text to keep as stand-in; empty means none."""
    is_best: bool = True
    """Whether it was made on the best step of its ladder; others are not kept."""
    versions: tuple[str | None, str | None] = (None, None)
    """Data and model version that the reply names; None where it names none."""
