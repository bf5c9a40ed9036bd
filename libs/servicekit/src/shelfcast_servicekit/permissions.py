"""What each RPC declares about itself, read from the descriptors once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from google.protobuf import descriptor_pb2, descriptor_pool
from shelfcast.common.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

EXEMPT_SERVICES: Final = frozenset(
    {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
)
OWN_PACKAGE: Final = "shelfcast."

_RETRYABLE: Final = frozenset(
    {
        descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS,
        descriptor_pb2.MethodOptions.IDEMPOTENT,
    }
)


class MethodUndeclared(Exception):
    """An RPC lacks the option `access` or `call`; the service must not start."""


@dataclass(frozen=True, slots=True)
class MethodRule:
    """What one RPC declares: who may call it and how."""

    path: str
    """Path on the wire, `/package.Service/Method`."""
    service: str
    """Full name of the service."""
    method: str
    """Name of the method."""
    permission: str
    """Permission that the caller needs; empty when public."""
    is_public: bool
    """Whether no credential is needed."""
    deadline_seconds: float
    """Default and cap of the deadline."""
    is_retryable: bool
    """Whether a call may be repeated after UNAVAILABLE."""
    request: Descriptor
    """Type of the request."""
    is_client_streaming: bool
    """Whether the client sends a stream."""
    is_streaming: bool
    """Whether either side sends a stream."""
    force_permission: str = ""
    """Permission that the caller needs beside where the request sets `force`; empty for none."""

    @property
    def permissions(self) -> frozenset[str]:
        """All permissions that it may ask for."""
        return frozenset({self.permission, self.force_permission} - {""})


def method_rules(service: ServiceDescriptor) -> Mapping[str, MethodRule]:
    """Give the rule of each RPC of a service, by path.

    Raises: MethodUndeclared naming every RPC without `access` or `call`.
    """
    bare = [method.full_name for method in service.methods if not _is_declared(method)]
    if bare:
        raise MethodUndeclared(f"without access or call: {', '.join(sorted(bare))}")
    return {rule.path: rule for rule in map(_rule, service.methods)}


def rules_of(full_names: Iterable[str]) -> Mapping[str, MethodRule]:
    """Give the rules of all RPCs of the named services, by path. Raises: MethodUndeclared, KeyError."""
    pool = descriptor_pool.Default()
    rules: dict[str, MethodRule] = {}
    for name in full_names:
        rules |= method_rules(pool.FindServiceByName(name))
    return rules


@cache
def rule_of(path: str) -> MethodRule | None:
    """Give the rule of one of our RPCs by its path; None for other people's services."""
    service, _, _ = path.removeprefix("/").rpartition("/")
    if not service.startswith(OWN_PACKAGE):
        return None
    return rules_of([service]).get(path)


def _is_declared(method: MethodDescriptor) -> bool:
    options = method.GetOptions()
    access = options.Extensions[options_pb2.access]
    call = options.Extensions[options_pb2.call]
    return bool(access.permission or access.public) and call.deadline_seconds > 0


def _rule(method: MethodDescriptor) -> MethodRule:
    options = method.GetOptions()
    access = options.Extensions[options_pb2.access]
    service = method.containing_service.full_name
    return MethodRule(
        path=f"/{service}/{method.name}",
        service=service,
        method=method.name,
        permission=access.permission,
        is_public=access.public,
        deadline_seconds=options.Extensions[options_pb2.call].deadline_seconds,
        is_retryable=options.idempotency_level in _RETRYABLE,
        request=method.input_type,
        is_client_streaming=method.client_streaming,
        is_streaming=method.client_streaming or method.server_streaming,
        force_permission=access.force_permission,
    )
