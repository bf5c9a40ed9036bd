"""The key under which a repeated call is the same call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import grpc

IDEMPOTENCY_KEY: Final = "idempotency-key"
_LONGEST_KEY: Final = 255


def idempotency_key(context: grpc.aio.ServicerContext[Any, Any]) -> str | None:
    """Give the key that came with a call; None if none did."""
    for name, value in context.invocation_metadata() or ():
        if name == IDEMPOTENCY_KEY:
            text = value if isinstance(value, str) else value.decode(errors="replace")
            return text[:_LONGEST_KEY] or None
    return None
