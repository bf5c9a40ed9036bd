"""The contract, read once at start from the generated stubs: services, methods, bindings."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import shelfcast
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from shelfcast.common.v1 import options_pb2
from shelfcast_servicekit.permissions import MethodUndeclared, method_rules

from shelfcast_gateway.domain.binding import Access, Binding, Call, Verb
from shelfcast_gateway.domain.template import parse_template

_EMPTY: Final = "google.protobuf.Empty"
_FILE: Final = "google.api.HttpBody"


def service_descriptors() -> tuple[ServiceDescriptor, ...]:
    """Give every service of the contract, by name."""
    services: list[ServiceDescriptor] = []
    for module_name in sorted(_module_names()):
        services.extend(importlib.import_module(module_name).DESCRIPTOR.services_by_name.values())
    return tuple(sorted(services, key=lambda each: each.full_name))


def _module_names() -> Iterator[str]:
    for root in shelfcast.__path__:
        for path in Path(root).glob("*/v1/*_service_pb2.py"):
            yield f"shelfcast.{path.parents[1].name}.v1.{path.stem}"


def public_methods() -> dict[str, MethodDescriptor]:
    """Give the RPCs that have an HTTP rule, by full name; the others cannot be reached from outside.

    Raises: MethodUndeclared for an RPC without `access` or `call`.
    """
    found = {}
    for service in service_descriptors():
        method_rules(service)
        found.update({method.full_name: method for method in service.methods if http_rule(method)})
    return found


def http_rule(method: MethodDescriptor) -> http_pb2.HttpRule | None:
    """Give the HTTP rule of an RPC, or None for an internal one."""
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return None
    return cast("http_pb2.HttpRule", options.Extensions[annotations_pb2.http])


def bindings() -> tuple[Binding, ...]:
    """Give all routes: of each RPC the canonical one first, then its aliases.

    Raises: MethodUndeclared, TemplateMalformed.
    """
    return tuple(binding for method in public_methods().values() for binding in _bindings_of(method))


def _bindings_of(method: MethodDescriptor) -> Iterator[Binding]:
    rule = http_rule(method)
    if rule is None:
        return
    yield _binding(method, rule, is_alias=False)
    for extra in rule.additional_bindings:
        yield _binding(method, extra, is_alias=True)


def _binding(method: MethodDescriptor, rule: http_pb2.HttpRule, *, is_alias: bool) -> Binding:
    kind = rule.WhichOneof("pattern")
    if kind is None or kind == "custom":
        raise MethodUndeclared(f"{method.full_name}: its HTTP rule has no method")
    level = method.GetOptions().idempotency_level
    return Binding(
        rpc=method.full_name,
        verb=cast("Verb", kind.upper()),
        template=parse_template(getattr(rule, kind)),
        body_field=rule.body,
        access=_access(method),
        call=_call(method),
        is_alias=is_alias,
        has_side_effects=level != descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS,
        streams_request=method.client_streaming,
        streams_reply=method.server_streaming,
        gives_file=method.output_type.full_name == _FILE,
    )


def _access(method: MethodDescriptor) -> Access:
    declared = method.GetOptions().Extensions[options_pb2.access]
    return Access(declared.permission, declared.public, declared.scope_field)


def _call(method: MethodDescriptor) -> Call:
    declared = method.GetOptions().Extensions[options_pb2.call]
    usual = 204 if method.output_type.full_name == _EMPTY else 200
    return Call(
        deadline_seconds=declared.deadline_seconds,
        success_status=declared.success_status or usual,
        location=parse_template(declared.location) if declared.location else None,
        max_body_rows=declared.max_body_rows,
        cache_seconds=declared.cache_seconds,
        stale_seconds=declared.stale_seconds,
    )
