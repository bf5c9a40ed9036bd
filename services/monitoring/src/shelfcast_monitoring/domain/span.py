"""One step of a request, as a service reported it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TENANT_ATTRIBUTE: Final = "shelfcast.tenant"
"""Attribute that says whose request a span belongs to."""

_ROW_BYTES: Final = 160
"""About what a stored span takes beside its texts: ids, times, index entries."""


class SpanKind(StrEnum):
    """Side of a call that a span stands for."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class SpanStatus(StrEnum):
    """Outcome of a span."""

    UNSET = "unset"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a request; times are nanoseconds since 1970 in UTC."""

    trace_id: str
    """Id of the request, 32 hex digits."""
    span_id: str
    """Id of the step, 16 hex digits."""
    parent_span_id: str
    """Id of the step around it; empty for a root."""
    service: str
    """Service that did it."""
    name: str
    """What was done."""
    kind: SpanKind
    """Side of the call."""
    status: SpanStatus
    """Outcome."""
    status_message: str
    """Text of an error; empty otherwise."""
    start_ns: int
    """When it began."""
    end_ns: int
    """When it ended; never before its beginning."""
    tenant: str
    """Tenant that it worked for; empty if it does not say."""
    attributes: Mapping[str, str]
    """Facts as text."""
    linked_trace_ids: tuple[str, ...]
    """Traces that it is linked to."""

    @property
    def order(self) -> tuple[int, str]:
        """Sort key: beginning, then id."""
        return (self.start_ns, self.span_id)

    @property
    def is_error(self) -> bool:
        """Whether it ended in an error."""
        return self.status is SpanStatus.ERROR

    @property
    def size_bytes(self) -> int:
        """About how much room it takes in the store and in a message."""
        texts = (self.service, self.name, self.status_message, *self.attributes, *self.attributes.values())
        return _ROW_BYTES + sum(len(text.encode()) for text in texts) + 36 * len(self.linked_trace_ids)
