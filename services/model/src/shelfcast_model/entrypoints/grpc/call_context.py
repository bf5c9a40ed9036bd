"""What a call brings beside its request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

IDEMPOTENCY_KEY: Final = "idempotency-key"


class CallContext(Protocol):
    """The part of gRPC's context that is read."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Give the metadata of the call."""


def idempotency_key_of(context: CallContext) -> str | None:
    """Give the caller's idempotency key, or None."""
    for key, value in context.invocation_metadata() or ():
        if key == IDEMPOTENCY_KEY and isinstance(value, str):
            return value or None
    return None
