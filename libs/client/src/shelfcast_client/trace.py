"""What became of one request, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One step of a request, with the steps inside it."""

    service: str
    """Service that did it."""
    name: str
    """What it did."""
    kind: str
    """Side of the call: internal, server, client, producer or consumer."""
    status: str
    """Outcome: unset, ok or error."""
    duration_seconds: float
    """How long it took."""
    attributes: Mapping[str, str]
    """Facts about the step."""
    children: tuple[TraceSpan, ...]
    """Steps inside it, in the order of their beginnings."""

    def walk(self) -> Iterator[TraceSpan]:
        """Give this step and all steps inside it, outermost first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Trace:
    """All steps of one request or job."""

    trace_id: str
    """Id, 32 hex digits."""
    duration_seconds: float
    """From the first beginning to the last end."""
    services: tuple[str, ...]
    """Services that took part, sorted."""
    roots: tuple[TraceSpan, ...]
    """Steps without a stored step around them."""

    def walk(self) -> Iterator[TraceSpan]:
        """Give all steps, outermost first."""
        for root in self.roots:
            yield from root.walk()


def trace_from_json(body: Mapping[str, object]) -> Trace:
    """Read a trace from a reply's body."""
    services = body.get("services")
    return Trace(
        trace_id=str(body["trace_id"]),
        duration_seconds=float(str(body["duration_seconds"])),
        services=tuple(str(name) for name in services) if isinstance(services, list) else (),
        roots=_spans(body.get("roots")),
    )


def _spans(value: object) -> tuple[TraceSpan, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(_span(row) for row in value if isinstance(row, Mapping))


def _span(body: Mapping[str, object]) -> TraceSpan:
    attributes = body.get("attributes")
    return TraceSpan(
        service=str(body.get("service", "")),
        name=str(body.get("name", "")),
        kind=str(body.get("kind", "")),
        status=str(body.get("status", "")),
        duration_seconds=float(str(body.get("duration_seconds") or 0.0)),
        attributes=attributes if isinstance(attributes, Mapping) else {},
        children=_spans(body.get("children")),
    )
