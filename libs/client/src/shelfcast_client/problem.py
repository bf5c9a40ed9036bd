"""Why a request was refused, as the service told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: where it is and what is wrong."""

    pointer: str
    """JSON Pointer into what was sent, for instance `/horizon`."""
    detail: str
    """One sentence: what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal: the body of an error reply, or the same facts from a gRPC status."""

    reason: str
    """Declared reason, UPPER_SNAKE; empty when the reply named none."""
    detail: str
    """One sentence for people."""
    status: int
    """HTTP status of the reason."""
    faults: tuple[Fault, ...] = ()
    """All faults of the request."""
    hint: str = ""
    """What can be done about it."""
    request_id: str = ""
    """Id under which the gateway logged the request."""
    trace_id: str = ""
    """Trace of the request, 32 hex digits; empty when it has none."""
    retry_after_seconds: float | None = None
    """When a repeat may help; `None` when the reply does not say."""

    def __str__(self) -> str:
        """Give the sentence, every fault and the hint, one a line."""
        faults = [f"  {fault.pointer}: {fault.detail}" for fault in self.faults]
        hint = [f"  {self.hint}"] if self.hint else []
        return "\n".join([self.detail or self.reason or f"HTTP {self.status}", *faults, *hint])


def problem_from_body(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Problem:
    """Read an `application/problem+json` body; a body of another form gives a problem without a reason."""
    return Problem(
        reason=_text(body, "code"),
        detail=_text(body, "detail") or _text(body, "title"),
        status=status,
        faults=_faults(body.get("errors")),
        hint=_text(body, "hint"),
        request_id=_text(body, "request_id") or headers.get("x-request-id", ""),
        trace_id=_text(body, "trace_id"),
        retry_after_seconds=retry_after(headers.get("retry-after")),
    )


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date; `None` when absent or unreadable.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _faults(value: object) -> tuple[Fault, ...]:
    if not isinstance(value, list):
        return ()
    rows = (row for row in value if isinstance(row, Mapping))
    return tuple(Fault(_text(row, "pointer"), _text(row, "detail")) for row in rows)


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
