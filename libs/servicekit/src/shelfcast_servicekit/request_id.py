"""The id that a client or the gateway gave a request, for logs and onward calls."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

METADATA_KEY: Final = "x-request-id"

_REQUEST_ID: ContextVar[str] = ContextVar("shelfcast_request_id", default="")


def current_request_id() -> str:
    """Give the id of the request in hand; empty outside a request."""
    return _REQUEST_ID.get()


def set_request_id(request_id: str) -> None:
    """Set the id for the current context; the context ends with its request or task."""
    _REQUEST_ID.set(request_id)
