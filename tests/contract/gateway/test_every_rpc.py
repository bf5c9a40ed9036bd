"""Walks every RPC of every service: rule, access, call, comment, round trip, OpenAPI entry, upstream."""

from __future__ import annotations

import json
from typing import Any, TypeAlias, cast

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from shelfcast_gateway.adapters.comments import read_comments
from shelfcast_gateway.adapters.descriptors import bindings, public_methods, service_descriptors
from shelfcast_gateway.adapters.operation import Plans
from shelfcast_gateway.adapters.upstreams import AUDIENCES
from shelfcast_gateway.application.openapi import openapi
from shelfcast_gateway.bootstrap import contract
from shelfcast_gateway.domain.route_table import RouteTable
from shelfcast_servicekit.permissions import method_rules
from shelfcast_servicekit.status import reason_table

AnyMessage: TypeAlias = Any
"""A message of any type, whose fields mypy cannot know."""
METHODS = {method.full_name: method for service in service_descriptors() for method in service.methods}
PUBLIC = public_methods()
COMMENTS = read_comments()
PLANS = Plans()
WIDE = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
    FieldDescriptor.TYPE_SINT64,
}
SAMPLES: dict[int, object] = {
    FieldDescriptor.TYPE_STRING: "oat-milk-1l",
    FieldDescriptor.TYPE_DOUBLE: 2.5,
    FieldDescriptor.TYPE_BOOL: True,
    FieldDescriptor.TYPE_INT32: 7,
    FieldDescriptor.TYPE_UINT32: 7,
    FieldDescriptor.TYPE_BYTES: b"\x00\xff",
}


def filled(descriptor: Descriptor, depth: int = 0) -> AnyMessage:
    """Give a message with a value in every field."""
    message = GetMessageClass(descriptor)()
    if descriptor.full_name == "google.protobuf.Value":
        cast("Any", message).string_value = "x"
    elif descriptor.full_name == "google.protobuf.Struct":
        cast("Any", message).update({"a": [1, None, {"b": 0.5}]})
    elif descriptor.full_name == "google.protobuf.Timestamp":
        cast("Any", message).FromJsonString("2026-01-02T03:04:05.123456Z")
    elif descriptor.full_name == "google.protobuf.FieldMask":
        cast("Any", message).paths.append("name")
    elif depth < 4:
        for field in descriptor.fields:
            fill(message, field, depth)
    return message


def fill(message: AnyMessage, field: FieldDescriptor, depth: int) -> None:
    """Fill one field."""
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        target = getattr(message, field.name)
        value = inner.fields_by_name["value"]
        if value.message_type is None:
            target["key"] = SAMPLES[value.type]
    elif inner is not None:
        sample = filled(inner, depth + 1)
        if field.is_repeated:
            getattr(message, field.name).append(sample)
        else:
            getattr(message, field.name).CopyFrom(sample)
    else:
        enum = field.enum_type
        scalar = enum.values[-1].number if enum is not None else SAMPLES[field.type]
        if field.is_repeated:
            getattr(message, field.name).append(scalar)
        else:
            setattr(message, field.name, scalar)


def types_below(descriptor: Descriptor, seen: set[str]) -> list[Descriptor]:
    """Give a message type and all types in it, other people's left out."""
    if descriptor.full_name in seen or descriptor.full_name.startswith("google."):
        return []
    seen.add(descriptor.full_name)
    inner = [field.message_type for field in descriptor.fields if field.message_type is not None]
    return [descriptor, *(each for one in inner for each in types_below(one, seen))]


@pytest.mark.parametrize("name", METHODS)
def test_rpc_is_declared_and_commented(name: str) -> None:
    method = METHODS[name]

    rule = method_rules(method.containing_service)[f"/{method.containing_service.full_name}/{method.name}"]

    assert rule.permission or rule.is_public
    assert rule.deadline_seconds > 0
    assert COMMENTS[name].endswith(".")
    assert COMMENTS[method.containing_service.full_name]
    for part in [*types_below(method.input_type, set()), *types_below(method.output_type, set())]:
        if part.GetOptions().map_entry:
            continue
        assert COMMENTS[part.full_name], part.full_name
        assert all(COMMENTS[field.full_name] for field in part.fields)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_rpc_has_routes_an_upstream_and_an_openapi_entry(name: str) -> None:
    document = json.loads(openapi(contract()))
    operations = [each for path in document["paths"].values() for each in path.values()]

    routes = [binding for binding in bindings() if binding.rpc == name]

    assert [binding.is_alias for binding in routes].count(False) == 1
    assert PUBLIC[name].containing_service.file.package in AUDIENCES
    assert len([each for each in operations if each["x-rpc"] == name]) == len(routes)
    assert all(each["summary"] for each in operations)


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(PUBLIC)))
def test_internal_rpc_cannot_be_reached(name: str) -> None:
    assert "Internal." in COMMENTS[name]
    assert name not in {binding.rpc for binding in bindings()}


@pytest.mark.parametrize("name", PUBLIC)
def test_messages_survive_writer_and_reader(name: str) -> None:
    for descriptor in (PUBLIC[name].input_type, PUBLIC[name].output_type):
        if descriptor.full_name.startswith("google."):
            continue
        sample = filled(descriptor)
        members = PLANS.writers.writer_of(descriptor)(sample)
        back, faults = GetMessageClass(descriptor)(), []  # type: ignore[var-annotated]

        PLANS.readers.reader_of(descriptor).read(json.loads(json.dumps(members)), back, "", faults)

        assert {each.kind.name for each in faults} <= {"READ_ONLY"}
        if not faults:
            assert back == sample


@pytest.mark.parametrize("name", PUBLIC)
def test_rest_knows_no_64_bit_integers(name: str) -> None:
    for root in (PUBLIC[name].input_type, PUBLIC[name].output_type):
        for message in types_below(root, set()):
            assert [field.full_name for field in message.fields if field.type in WIDE] == []


def test_table_has_no_doubles_and_reserves_its_literals() -> None:
    table = RouteTable(bindings())

    assert {"batch", "retrain", "history"} <= table.reserved_ids()


def test_operation_ids_are_unique() -> None:
    document = json.loads(openapi(contract()))

    ids = [each["operationId"] for path in document["paths"].values() for each in path.values()]

    assert len(set(ids)) == len(ids)


def test_every_reason_has_a_title_and_a_hint() -> None:
    for entry in reason_table().values():
        assert entry.title
        assert entry.hint


def test_retry_needs_an_idempotent_rpc() -> None:
    for name, method in PUBLIC.items():
        level = method.GetOptions().idempotency_level
        verbs = {binding.verb for binding in bindings() if binding.rpc == name}
        assert level or verbs <= {"POST"}, name
