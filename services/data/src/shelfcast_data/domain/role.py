"""Roles, and the permissions that each of them holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from shelfcast_data.errors import RoleUnknown

SERVICE: Final = "service"
INTERNAL: Final = frozenset({"identity.run"})
"""Permissions that only other services hold."""

VERBS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "viewer": frozenset({"read"}),
        "planner": frozenset({"read", "write", "run"}),
        "buyer": frozenset({"read", "write", "run"}),
        "admin": frozenset({"read", "write", "approve", "run", "admin"}),
        SERVICE: frozenset({"read", "write", "approve", "run", "admin"}),
    }
)
"""Verbs that a role may use on every resource."""


def permissions_of(role: str, known: Iterable[str]) -> frozenset[str]:
    """Give the permissions of a role, out of all that the RPCs declare.

    Raises: RoleUnknown.

    >>> sorted(permissions_of("viewer", ["sales.read", "sales.write", "identity.run"]))
    ['sales.read']
    """
    verbs = VERBS[known_role(role)]
    held = {each for each in known if each.rpartition(".")[2] in verbs}
    return frozenset(held if role == SERVICE else held - INTERNAL)


def known_role(role: str) -> str:
    """Give the role back. Raises: RoleUnknown unless there is such a role."""
    if role not in VERBS:
        raise RoleUnknown(role=role[:64], roles=", ".join(VERBS))
    return role
