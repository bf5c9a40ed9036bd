"""One log record, as a service reported it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_monitoring.errors import SeverityUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

TENANT_ATTRIBUTES: Final = ("shelfcast.tenant", "tenant")
"""Attributes that say whose request a log record belongs to, the first one present counts."""

SEVERITIES: Final = {"trace": 1, "debug": 5, "info": 9, "warning": 13, "error": 17, "fatal": 21}
"""Least OTLP severity number of each word; a word reaches up to the next.

Source: OpenTelemetry specification, Logs Data Model, SeverityNumber.
"""

UNSTATED: Final = "unspecified"
_ROW_BYTES: Final = 120


def severity_word(number: int) -> str:
    """Give the word of an OTLP severity number, `unspecified` for 0 and below.

    >>> [severity_word(number) for number in (0, 1, 9, 12, 17, 24)]
    ['unspecified', 'trace', 'info', 'info', 'error', 'fatal']
    """
    words = [word for word, least in SEVERITIES.items() if least <= number]
    return words[-1] if words else UNSTATED


def least_severity(word: str) -> int:
    """Give the least severity number that a word to filter by lets through; 0 for the empty word.

    Raises: SeverityUnknown for any other word.
    """
    if not word:
        return 0
    if word not in SEVERITIES:
        known = ", ".join(SEVERITIES)
        fault = Violation("/min_severity", f"min_severity is one of: {known}.", "severity.in")
        raise SeverityUnknown(violations=[fault])
    return SEVERITIES[word]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log record; times are nanoseconds since 1970 in UTC."""

    recorded_ns: int
    """When it was written."""
    service: str
    """Service that wrote it."""
    severity: int
    """OTLP severity number, 0 to 24."""
    body: str
    """Text."""
    trace_id: str
    """Trace that it belongs to; empty if none."""
    span_id: str
    """Span that it belongs to; empty if none."""
    tenant: str
    """Tenant that it is about; empty if it does not say."""
    attributes: Mapping[str, str]
    """Facts as text."""
    log_id: int = 0
    """Number in the store, growing; 0 before it is stored."""

    @property
    def size_bytes(self) -> int:
        """About how much room it takes in the store and in a message."""
        texts = (self.service, self.body, *self.attributes, *self.attributes.values())
        return _ROW_BYTES + sum(len(text.encode()) for text in texts)
