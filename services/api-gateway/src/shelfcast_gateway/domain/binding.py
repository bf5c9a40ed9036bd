"""What one HTTP route is: the RPC behind it and the rules that the contract gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from shelfcast_gateway.domain.template import Template

WHOLE_BODY: Final = "*"
"""Body field that means the whole request."""

Verb = Literal["GET", "PUT", "POST", "DELETE", "PATCH"]
RouteClass = Literal["read", "write", "upload"]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route."""

    permission: str
    """Permission that the caller needs; empty when public."""
    is_public: bool = False
    """Whether no credential is needed."""
    scope_field: str = ""
    """Request field that shop-level rights are checked on; empty means none."""


@dataclass(frozen=True, slots=True)
class Call:
    """How the RPC is called and how its reply becomes HTTP."""

    deadline_seconds: float
    """Time that the RPC gets."""
    success_status: int = 200
    """HTTP status of a success."""
    location: Template | None = None
    """Template of the Location header; None means no such header."""
    max_body_rows: int = 0
    """Most rows in one body; 0 means no limit of its own."""
    cache_seconds: float = 0.0
    """How long a reply may be kept under the current versions; 0 means not at all."""
    stale_seconds: float = 0.0
    """How long a kept reply may stand in while the service is away; 0 means not at all."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One route: verb and path template, and the RPC that answers it."""

    rpc: str
    """Full name of the RPC, `package.Service.Method`."""
    verb: Verb
    """HTTP method."""
    template: Template
    """Path template."""
    body_field: str
    """Request field that the body fills; `*` means the whole request, empty means no body."""
    access: Access
    """Who may use it."""
    call: Call
    """How it is called."""
    is_alias: bool = False
    """Whether it is an additional binding of the RPC."""
    has_side_effects: bool = True
    """Whether the RPC may change anything."""
    streams_request: bool = False
    """Whether the RPC takes a stream (an upload)."""
    streams_reply: bool = False
    """Whether the RPC answers with a stream."""
    gives_file: bool = False
    """Whether the reply is the bytes of a file."""

    @property
    def package(self) -> str:
        """Give the proto package of the RPC."""
        return self.rpc.rsplit(".", 2)[0]

    @property
    def method_path(self) -> str:
        """Give the path of the RPC on the wire, `/package.Service/Method`."""
        service, _, method = self.rpc.rpartition(".")
        return f"/{service}/{method}"

    @property
    def is_cacheable(self) -> bool:
        """Whether replies may be kept."""
        return self.call.cache_seconds > 0 and not self.has_side_effects

    @property
    def route_class(self) -> RouteClass:
        """Give the class whose rate limit applies."""
        if self.streams_request:
            return "upload"
        return "write" if self.has_side_effects else "read"
