"""From protovalidate's violations to ours."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from shelfcast.forecast.v1 import forecast_service_pb2
from shelfcast_servicekit.errors import FieldRuleViolated, ShelfcastError, Violation
from shelfcast_servicekit.interceptors.validation import ValidationStage, error_of, pointer_of


@dataclass
class Key:
    """A subscript."""

    value: object


@dataclass
class Element:
    """A step of a path."""

    field_name: str
    subscript: object = None


@pytest.mark.parametrize(
    ("elements", "pointer"),
    [
        ([], ""),
        ([Element("page_size")], "/page_size"),
        ([Element("sales", Key(3)), Element("date")], "/sales/3/date"),
        ([Element("labels", Key("a/b~c"))], "/labels/a~1b~0c"),
        ([Element("flags", Key(True))], "/flags/true"),
    ],
)
def test_a_path_becomes_a_json_pointer(elements: list[Element], pointer: str) -> None:
    assert pointer_of(elements) == pointer


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (["int32.gte"], "FIELD_RULE_VIOLATED"),
        (["int32.gte", "required"], "FIELD_MISSING"),
        (["int32.gte", "string.date"], "DATE_MALFORMED"),
        (["date"], "DATE_MALFORMED"),
        (["date", "required"], "FIELD_MISSING"),
    ],
)
def test_mixed_faults_are_400_and_all_are_listed(rules: list[str], reason: str) -> None:
    faults = [Violation(f"/field_{rule}", "wrong", rule) for rule in rules]

    error = error_of(faults)

    assert isinstance(error, ShelfcastError)
    assert (error.reason, len(error.violations)) == (reason, len(rules))


def test_every_fault_of_a_message_is_found() -> None:
    request = forecast_service_pb2.GetForecastRequest(quantiles=[0.5, 7.0, -1.0])

    with pytest.raises(FieldRuleViolated) as caught:
        ValidationStage().check(request)

    pointers = {violation.pointer for violation in caught.value.violations}
    assert {"/quantiles/1", "/quantiles/2"} <= pointers
