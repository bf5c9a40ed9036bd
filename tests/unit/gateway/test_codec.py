"""The codec: every type both ways, with `json_format` as oracle where its rules are ours."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import orjson
import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from shelfcast.catalog.v1 import product_pb2
from shelfcast.common.v1 import row_report_pb2
from shelfcast.forecast.v1 import forecast_pb2, forecast_service_pb2, prediction_service_pb2
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.jobs.v1 import job_pb2
from shelfcast.monitoring.v1 import trace_pb2
from shelfcast_gateway.adapters.codec.fault import Fault, FaultKind, error_of
from shelfcast_gateway.adapters.codec.query import read_query
from shelfcast_gateway.adapters.codec.reader import ReadPlans
from shelfcast_gateway.adapters.codec.scalars import NumberNotFinite
from shelfcast_gateway.adapters.codec.writer import WritePlans

AnyMessage: TypeAlias = Any
"""A message of any type, whose fields mypy cannot know."""
READERS = ReadPlans()
WRITERS = WritePlans()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def read(kind: AnyMessage, value: object) -> tuple[AnyMessage, list[Fault]]:
    """Read a value into a new message."""
    message, faults = kind(), []  # type: ignore[var-annotated]
    READERS.reader_of(kind.DESCRIPTOR).read(value, message, "", faults)
    return message, faults


def written(message: AnyMessage) -> AnyMessage:
    """Give what goes over the wire."""
    return orjson.loads(orjson.dumps(WRITERS.writer_of(message.DESCRIPTOR)(message)))


@given(st.lists(st.tuples(FINITE, TEXT), max_size=5), st.integers(-(2**31), 2**31 - 1), TEXT)
def test_plain_message_is_written_as_json_format_writes_it(
    points: list[tuple[float, str]], horizon: int, product_id: str
) -> None:
    message = forecast_pb2.Forecast(product_id=product_id, horizon=horizon)
    for value, date in points:
        message.predictions.add(date=date, predicted_qty=value, quantiles=[value])

    ours = written(message)["predictions"]
    theirs = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )["predictions"]

    assert ours == theirs


@given(FINITE, TEXT, st.booleans(), st.dictionaries(TEXT, TEXT, max_size=3))
def test_what_is_written_can_be_read_again(
    quantity: float, text: str, is_dry: bool, mapping: dict[str, str]
) -> None:
    report = row_report_pb2.Rejection(row=7, pointer=text, value=str(quantity))
    upload = import_service_pb2.CreateImportRequest(
        dry_run=is_dry, mapping=mapping, shop_id=text, data=b"\0x"
    )

    for message in (report, upload):
        back, faults = read(type(message), written(message))

        assert faults == []
        assert back == message


@given(
    st.recursive(
        st.none() | st.booleans() | FINITE | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    )
)
def test_free_values_are_read_as_json_format_reads_them(value: AnyMessage) -> None:
    reader = READERS.reader_of(prediction_service_pb2.PredictRequest.DESCRIPTOR)
    message, faults = prediction_service_pb2.PredictRequest(), []  # type: ignore[var-annotated]
    reader.read_members({"store": value}, message, "", faults)

    assert faults == []
    assert message.store == json_format.ParseDict(value, struct_pb2.Value())


def test_whole_numbers_in_free_values_have_no_point() -> None:
    message = prediction_service_pb2.Prediction(job_id="1")
    message.result.update({"store": 1, "share": 0.5})

    assert b'"store":1,' in orjson.dumps(written(message)) + b"," or written(message)["result"]["store"] == 1
    assert isinstance(written(message)["result"]["store"], int)


def test_unset_values_follow_the_rules() -> None:
    job, product, prediction = (
        written(job_pb2.Job()),
        written(product_pb2.Product()),
        written(prediction_service_pb2.Prediction()),
    )

    assert product["price"] is None  # an optional scalar: null
    assert "created_at" not in product  # a message: left out
    assert product["name"] == ""  # no presence: always written
    assert job["status"] is None  # an unspecified enum: null
    assert "result_url" not in job  # when_unset: OMIT
    assert "error" not in prediction  # when_unset: OMIT
    assert written(forecast_pb2.Forecast())["trained_at"] is None  # when_unset: NULL
    assert written(forecast_pb2.Forecast())["predictions"] == []


def test_unknown_enum_value_is_written_as_unknown() -> None:
    assert written(job_pb2.Job(status=99))["status"] == "unknown"  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_is_not_finite_is_never_written(value: float) -> None:
    for message in (
        forecast_pb2.ForecastPoint(lower_ci=value),
        forecast_pb2.ForecastPoint(quantiles=[1.0, value]),
        product_pb2.Product(price=value),
    ):
        with pytest.raises(NumberNotFinite):
            written(message)


def test_instants_have_microseconds_and_z() -> None:
    job = job_pb2.Job()
    job.submitted_at.FromJsonString("2026-01-02T03:04:05+02:00")

    assert written(job)["submitted_at"] == "2026-01-02T01:04:05.000000Z"


def test_tree_of_spans_is_written_whole() -> None:
    trace = trace_pb2.Trace(trace_id="a" * 32)
    trace.roots.add(span_id="1").children.add(span_id="2")

    assert written(trace)["roots"][0]["children"][0]["span_id"] == "2"


@pytest.mark.parametrize(
    ("value", "kind", "pointer"),
    [
        ({"name": 5}, FaultKind.UNREADABLE, "/name"),
        ({"price": "5"}, FaultKind.UNREADABLE, "/price"),
        ({"price": True}, FaultKind.UNREADABLE, "/price"),
        ({"price": math.inf}, FaultKind.UNREADABLE, "/price"),
        ({"colour": "red"}, FaultKind.UNKNOWN, "/colour"),
        ({"a/b~": 1}, FaultKind.UNKNOWN, "/a~1b~0"),
        ({"productId": "x"}, FaultKind.UNKNOWN, "/productId"),
        ({"updated_at": None}, FaultKind.READ_ONLY, "/updated_at"),
    ],
)
def test_faults_have_kind_and_place(value: object, kind: FaultKind, pointer: str) -> None:
    _, faults = read(product_pb2.Product, value)

    assert [(each.kind, each.pointer) for each in faults] == [(kind, pointer)]


@pytest.mark.parametrize("value", [5, "x", [], None, True])
def test_only_an_object_is_a_message(value: object) -> None:
    _, faults = read(product_pb2.Product, value)

    assert faults[0].kind is FaultKind.UNREADABLE


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (5.0, None),
        (5, None),
        ("5", FaultKind.UNREADABLE),
        (5.5, FaultKind.UNREADABLE),
        (True, FaultKind.UNREADABLE),
        (2**31, FaultKind.RULE),
        (1e300, FaultKind.RULE),
    ],
)
def test_whole_numbers(value: object, kind: FaultKind | None) -> None:
    _, faults = read(forecast_service_pb2.RetrainModelsRequest, {"seed": value})

    assert [each.kind for each in faults] == ([] if kind is None else [kind])


def test_every_fault_of_a_list_is_named() -> None:
    _, faults = read(
        forecast_service_pb2.RetrainModelsRequest, {"models": ["gru", 5, None], "promote": "often"}
    )

    assert [each.pointer for each in faults] == ["/models/1", "/models/2", "/promote"]
    assert error_of(faults).reason == "FIELD_UNREADABLE"


def test_free_json_may_not_be_nested_without_end() -> None:
    value: object = 1
    for _ in range(60):
        value = [value]

    _, faults = read(prediction_service_pb2.PredictRequest, {"date": "x", "store": value, "item": 1})

    assert faults[0].pointer == "/store"


def query(text: bytes) -> tuple[AnyMessage, list[Fault]]:
    """Read a query string into a forecast request."""
    message, faults = forecast_service_pb2.GetForecastRequest(), []  # type: ignore[var-annotated]
    read_query(text, READERS.reader_of(message.DESCRIPTOR), message, (), faults)
    return message, faults


def test_query_is_read_by_type() -> None:
    message, faults = query(b"shop_id=a+b%2B&horizon=7&quantiles=0.1,0.5&quantiles=.9&model=")

    assert faults == []
    assert message.shop_id == "a b+"
    assert message.horizon == 7
    assert list(message.quantiles) == [0.1, 0.5, 0.9]
    assert message.HasField("model")


def test_comma_inside_an_id_is_escaped() -> None:
    message, faults = forecast_service_pb2.BatchGetForecastsRequest(), []  # type: ignore[var-annotated]

    read_query(b"product_ids=a%2Cb,c", READERS.reader_of(message.DESCRIPTOR), message, (), faults)

    assert list(message.product_ids) == ["a,b", "c"]


@pytest.mark.parametrize("text", ["1", "TRUE", "yes", ""])
def test_booleans_in_a_query_are_two_words(text: str) -> None:
    message, faults = import_service_pb2.CreateImportRequest(), []  # type: ignore[var-annotated]

    read_query(f"dry_run={text}".encode(), READERS.reader_of(message.DESCRIPTOR), message, (), faults)

    assert faults[0].kind is FaultKind.UNREADABLE


@given(st.binary(max_size=60))
def test_no_query_string_breaks_the_reader(text: bytes) -> None:
    query(text)
