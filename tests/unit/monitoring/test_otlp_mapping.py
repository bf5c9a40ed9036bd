"""OTLP messages as spans and log records, hostile ones included."""

from __future__ import annotations

import contextlib

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_WARN, LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from shelfcast_monitoring.domain.span import SpanKind, SpanStatus
from shelfcast_monitoring.domain.text_limit import BODY_CHARACTERS, LEFT_OUT, NAME_CHARACTERS
from shelfcast_monitoring.entrypoints.otlp.attribute_text import attributes_of, text_of
from shelfcast_monitoring.entrypoints.otlp.mapping import (
    LATEST_NS,
    is_valid_span,
    log_from_proto,
    logs_from_proto,
    service_of,
    span_from_proto,
    spans_from_proto,
)
from shelfcast_monitoring.entrypoints.otlp.sorting import Rejections, take_first
from shelfcast_monitoring.ports import DropReason

NOON = 1_790_000_000_000_000_000
TRACE, SPAN, PARENT = b"\xab" * 16, b"\xcd" * 8, b"\xef" * 8


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def message(**changed: object) -> SpanMessage:
    made = SpanMessage(
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id=PARENT,
        name="GetForecast",
        kind=SpanMessage.SPAN_KIND_SERVER,
        start_time_unix_nano=NOON,
        end_time_unix_nano=NOON + 5,
        attributes=[text("shelfcast.tenant", "corner-shop"), text("rung", "champion")],
        links=[SpanMessage.Link(trace_id=b"\x01" * 16), SpanMessage.Link(trace_id=b"short")],
        status=Status(code=Status.STATUS_CODE_ERROR, message="no model"),
    )
    made.MergeFrom(SpanMessage(**changed))  # type: ignore[arg-type]  # the test names the fields
    return made


def test_every_field_of_a_span_is_taken() -> None:
    span = span_from_proto("shelfcast-model", message())

    assert (span.trace_id, span.span_id, span.parent_span_id) == ("ab" * 16, "cd" * 8, "ef" * 8)
    assert (span.service, span.name, span.kind) == ("shelfcast-model", "GetForecast", SpanKind.SERVER)
    assert (span.status, span.status_message) == (SpanStatus.ERROR, "no model")
    assert (span.start_ns, span.end_ns) == (NOON, NOON + 5)
    assert span.tenant == "corner-shop"
    assert span.attributes == {"shelfcast.tenant": "corner-shop", "rung": "champion"}
    assert span.linked_trace_ids == ("01" * 16,)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trace_id", b""),
        ("trace_id", b"\x00" * 16),
        ("trace_id", b"\xab" * 15),
        ("trace_id", b"\xab" * 17),
        ("span_id", b""),
        ("span_id", b"\x00" * 8),
        ("span_id", b"\xcd" * 16),
        ("start_time_unix_nano", 0),
        ("start_time_unix_nano", LATEST_NS + 1),
        ("start_time_unix_nano", 2**64 - 1),
    ],
)
def test_a_span_without_a_name_or_time_of_its_own_is_invalid(field: str, value: object) -> None:
    broken = message()
    setattr(broken, field, value)

    assert is_valid_span(message())
    assert not is_valid_span(broken)
    assert spans_from_proto("any", [broken]) == []


def test_a_malformed_parent_is_none() -> None:
    broken = message()
    broken.parent_span_id = b"\x00" * 8

    assert span_from_proto("any", broken).parent_span_id == ""


def test_a_span_never_ends_before_it_began() -> None:
    backwards = message()
    backwards.end_time_unix_nano = 7

    assert span_from_proto("any", backwards).end_ns == NOON


def test_a_span_that_never_ends_is_bounded() -> None:
    endless = message()
    endless.end_time_unix_nano = 2**64 - 1

    assert span_from_proto("any", endless).end_ns == LATEST_NS


def test_unknown_kinds_and_codes_fall_back() -> None:
    strange = message()
    strange.kind = 77  # type: ignore[assignment]  # a newer sender
    strange.status.code = 9  # type: ignore[assignment]  # a newer sender

    span = span_from_proto("any", strange)

    assert (span.kind, span.status) == (SpanKind.INTERNAL, SpanStatus.UNSET)


def test_a_long_name_is_cut() -> None:
    assert len(span_from_proto("any", message(name="x" * 100_000)).name) == NAME_CHARACTERS


def test_a_resource_without_a_name_is_unknown() -> None:
    assert service_of(Resource()) == "unknown_service"
    assert service_of(Resource(attributes=[text("service.name", "shelfcast-data")])) == "shelfcast-data"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AnyValue(), ""),
        (AnyValue(string_value="milk"), "milk"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(bool_value=False), "false"),
        (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
        (AnyValue(double_value=0.5), "0.5"),
        (AnyValue(double_value=float("nan")), "nan"),
        (AnyValue(bytes_value=b"\x00\xff"), "00ff"),
        (AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=7), AnyValue()])), '["7",null]'),
        (AnyValue(kvlist_value=KeyValueList(values=[text("a", "b")])), '{"a":"b"}'),
    ],
)
def test_an_attribute_value_reads_as_text(value: AnyValue, expected: str) -> None:
    assert text_of(value) == expected


def test_a_deeply_nested_value_is_cut() -> None:
    value = AnyValue(string_value="core")
    for _ in range(30):
        value = AnyValue(array_value=ArrayValue(values=[value]))

    assert text_of(value) == '[[[["…"]]]]'


def test_ten_thousand_attributes_are_cut_and_counted() -> None:
    attributes = attributes_of([text(f"key-{number}", "v") for number in range(10_000)])

    assert attributes[LEFT_OUT] == "9936"


def test_every_field_of_a_log_record_is_taken() -> None:
    record = LogRecord(
        time_unix_nano=NOON,
        severity_number=SEVERITY_NUMBER_WARN,
        body=AnyValue(string_value="stock is low"),
        trace_id=TRACE,
        span_id=SPAN,
        attributes=[text("tenant", "corner-shop")],
    )

    entry = log_from_proto("shelfcast-data", record, now_ns=1)

    assert (entry.recorded_ns, entry.severity, entry.body) == (NOON, 13, "stock is low")
    assert (entry.trace_id, entry.span_id, entry.tenant) == ("ab" * 16, "cd" * 8, "corner-shop")


def test_a_log_record_without_a_time_was_written_now() -> None:
    assert log_from_proto("any", LogRecord(), now_ns=NOON).recorded_ns == NOON
    assert log_from_proto("any", LogRecord(observed_time_unix_nano=9), now_ns=NOON).recorded_ns == 9
    assert log_from_proto("any", LogRecord(time_unix_nano=2**64 - 1), now_ns=NOON).recorded_ns == NOON


def test_a_hostile_log_record_is_tamed() -> None:
    record = LogRecord(severity_number=-4, body=AnyValue(string_value="x" * 1_000_000), trace_id=b"no")  # type: ignore[arg-type]

    entry = log_from_proto("any", record, now_ns=NOON)

    assert (entry.severity, len(entry.body), entry.trace_id) == (0, BODY_CHARACTERS, "")


@given(st.binary(max_size=300))
def test_whatever_parses_is_mapped_without_an_error(raw: bytes) -> None:
    with contextlib.suppress(DecodeError):
        spans_from_proto("any", [SpanMessage.FromString(raw)])
    with contextlib.suppress(DecodeError):
        logs_from_proto("any", [LogRecord.FromString(raw)])


def test_what_is_over_the_cap_is_counted_and_not_taken() -> None:
    taken = take_first([("a", [1, 2]), ("b", []), ("c", [3, 4, 5]), ("d", [6])], most=4)

    assert taken.groups == (("a", [1, 2]), ("c", [3, 4]))
    assert (taken.count, taken.total, list(taken)) == (4, 6, [1, 2, 3, 4])


def test_a_sender_is_told_each_reason() -> None:
    rejections = Rejections()
    rejections.add(DropReason.INVALID, 0)
    rejections.add(DropReason.TOO_MANY, 3)
    rejections.add(DropReason.QUEUE_FULL, 2)

    assert rejections.total == 5
    assert rejections.sentence == (
        "3 not kept: more than 10000 in one request; 2 not kept: the receiver's queue is full"
    )
