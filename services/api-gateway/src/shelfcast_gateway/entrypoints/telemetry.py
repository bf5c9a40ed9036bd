"""The server span and the metrics of each request."""

from __future__ import annotations

import logging
import time
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from prometheus_client import Gauge, Histogram
from shelfcast_servicekit.request_id import set_request_id
from shelfcast_servicekit.traceparent import span_context_of, traceparent_of

from shelfcast_gateway.application.visit import Visit

_TRACER: Final = trace.get_tracer("shelfcast.gateway")
_ROOT: Final = Context()
_SECONDS: Final = Histogram(
    "http_server_duration_seconds",
    "Time of served requests.",
    ("method", "route", "status"),
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0),
)
_IN_FLIGHT: Final = Gauge("http_server_in_flight", "Requests being served.")
_LOG: Final = logging.getLogger("shelfcast.access")
_SLOW_SECONDS: Final = 1.0


class RouteTelemetry:
    """Spans and metrics of one route, with names and labels resolved once."""

    def __init__(self, method: str, route: str) -> None:
        """route: path template; its name in spans and metrics."""
        self._name = f"{method} {route}"
        self._method = method
        self._route = route
        self._facts = {"http.request.method": method, "http.route": route}
        self._by_status: dict[int, Histogram] = {}

    def begin(self, visit: Visit) -> Span:
        """Start a new trace: the client's own is linked, never continued, and does not decide sampling."""
        links: tuple[Link, ...] = ()
        header = visit.inbound.headers.get(b"traceparent")
        if header is not None:
            remote = span_context_of(header.decode("latin-1"))
            links = (Link(remote),) if remote is not None else ()
        span = _TRACER.start_span(self._name, _ROOT, SpanKind.SERVER, self._facts, links)
        attach(trace.set_span_in_context(span, _ROOT))  # never detached: the task ends with the request
        set_request_id(visit.request_id)
        _IN_FLIGHT.inc()
        return span

    def end(self, visit: Visit, span: Span, status: int) -> None:
        """End the span with the true outcome, and count."""
        seconds = time.perf_counter() - visit.started
        _IN_FLIGHT.dec()
        histogram = self._by_status.get(status)
        if histogram is None:
            histogram = _SECONDS.labels(self._method, self._route, str(status))
            self._by_status[status] = histogram
        histogram.observe(seconds)
        if span.is_recording():
            _describe(visit, span, status)
        span.end()
        self._log(seconds, status)

    def _log(self, seconds: float, status: int) -> None:
        if status >= 500:
            _LOG.warning("%s %d in %.1f ms", self._name, status, seconds * 1000)
        elif seconds > _SLOW_SECONDS or _LOG.isEnabledFor(logging.DEBUG):
            _LOG.info("%s %d in %.1f ms", self._name, status, seconds * 1000)


def _describe(visit: Visit, span: Span, status: int) -> None:
    facts: dict[str, str | int] = {
        "http.response.status_code": status,
        "shelfcast.request_id": visit.request_id,
    }
    if visit.caller is not None:
        facts["shelfcast.tenant"] = visit.caller.tenant
    if visit.cache_status:
        facts["shelfcast.cache"] = visit.cache_status
    span.set_attributes(facts)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def ids_of(span: Span) -> tuple[str, str]:
    """Give a span's traceparent and its trace id, both empty when there is no trace."""
    header = traceparent_of(span)
    return header, header[3:35]
