"""The quick encoder says what the stock one says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, StatusCode
from shelfcast_servicekit.span_encoding import SpanEncoder
from shelfcast_servicekit.traceparent import parent_context

REMOTE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ended_spans() -> Sequence[ReadableSpan]:
    exporter = InMemorySpanExporter()
    resource = Resource({"service.name": "shelfcast-data", "process": 7})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer, other = provider.get_tracer("rpc"), provider.get_tracer("sql")
    facts: dict[str, str | bool | int | float] = {
        "text": "x",
        "yes": True,
        "count": 7,
        "share": 0.5,
        "long": "y" * 500,
    }
    for kind in SpanKind:
        tracer.start_span(f"remote {kind.name}", parent_context(REMOTE), kind, facts).end()
    with tracer.start_as_current_span("parent") as parent:
        child = other.start_span("child")
        child.set_status(StatusCode.ERROR, "it broke")
        child.end()
        parent.set_status(StatusCode.OK)
    tracer.start_span("linked", links=[Link(parent.get_span_context(), {"why": "cause"})]).end()
    tracer.start_span("listed", attributes={"list": ["a", "b"]}).end()
    eventful = tracer.start_span("eventful")
    eventful.add_event("retry", {"attempt": 2})
    eventful.end()
    return exporter.get_finished_spans()


def by_name(spans: Sequence[ReadableSpan], *, quick: bool) -> dict[str, object]:
    request = SpanEncoder().encode(spans) if quick else encode_spans(spans)
    found: dict[str, object] = {}
    for resource in request.resource_spans:
        facts = sorted(str(attribute) for attribute in resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                found[span.name] = (facts, scope.scope.name, json_format.MessageToDict(span))
    return found


def test_both_encoders_agree_on_every_span() -> None:
    spans = ended_spans()

    assert by_name(spans, quick=True) == by_name(spans, quick=False)
    assert len(by_name(spans, quick=True)) == len(spans)


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_kept_attribute_is_the_same_again(repeats: int) -> None:
    encoder, spans = SpanEncoder(), ended_spans()

    first = encoder.encode(spans)
    again = [encoder.encode(spans) for _ in range(repeats)]

    assert all(request == first for request in again)


def test_nothing_is_kept_of_long_texts() -> None:
    encoder = SpanEncoder()

    encoder.encode(ended_spans())

    assert all(len(value) <= 100 for _, value in encoder._kept)
