"""Positions of pages as the parts of a token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from shelfcast_servicekit.errors import PageTokenInvalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGING = frozenset({"page_size", "page_token"})


def newest_position(instant: datetime, entry_id: str) -> Sequence[str]:
    """Give the position of an entry in a list of the newest first."""
    return (str((instant - _EPOCH) // timedelta(microseconds=1)), entry_id)


def newest_of(parts: tuple[str, ...]) -> tuple[datetime, str] | None:
    """Give the time and id in a position; None at the beginning. Raises: PageTokenInvalid."""
    if not parts:
        return None
    if len(parts) != 2:
        raise PageTokenInvalid
    return _EPOCH + timedelta(microseconds=int(parts[0])), parts[1]


def filters_of(request: Message, name: str) -> dict[str, str]:
    """Give what a page token is bound to: the list and all that was sent but size and token."""
    sent = {field.name: repr(value) for field, value in request.ListFields()}
    return {"list": name} | {key: value for key, value in sent.items() if key not in _PAGING}
