"""The metadata of the call in hand, read from gRPC once.

`context.invocation_metadata()` builds a new tuple at each call, which costs 5 us.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NONE: Final[Mapping[str, str | bytes]] = MappingProxyType({})
_METADATA: ContextVar[Mapping[str, str | bytes]] = ContextVar("shelfcast_metadata", default=_NONE)


def set_metadata(pairs: Iterable[tuple[str, str | bytes]] | None) -> None:
    """Keep the metadata of the call whose task this is; of a repeated key the last counts."""
    _METADATA.set(dict(pairs) if pairs else _NONE)


def metadata_text(key: str) -> str:
    """Give a text value of the metadata; empty when it is not there."""
    value = _METADATA.get().get(key, "")
    return value if isinstance(value, str) else ""
