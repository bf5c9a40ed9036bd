"""The two ends of one ASGI connection, and what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass

from shelfcast_gateway.entrypoints.body import Receive, Send
from shelfcast_gateway.entrypoints.presence import Presence


@dataclass(frozen=True, slots=True)
class Channel:
    """One request's connection to its client."""

    receive: Receive
    send: Send
    presence: Presence
    """Cancels the work when the client goes away."""
    traceparent: str
    """Header that names the request's trace; empty means none."""
    trace_id: str
    """Trace of the request, 32 hex digits; empty means none."""
