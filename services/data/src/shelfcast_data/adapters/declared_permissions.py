"""All permissions that the RPCs of the product declare."""

from __future__ import annotations

import importlib
from pathlib import Path

import shelfcast
from shelfcast_servicekit.permissions import method_rules


def declared_permissions() -> frozenset[str]:
    """Give every permission that some RPC of the contract asks for."""
    names: set[str] = set()
    for folder in shelfcast.__path__:
        for path in sorted(Path(folder).glob("*/v1/*_service_pb2.py")):
            area = path.parent.parent.name
            module = importlib.import_module(f"shelfcast.{area}.v1.{path.stem}")
            for service in module.DESCRIPTOR.services_by_name.values():
                for rule in method_rules(service).values():
                    names |= rule.permissions
    return frozenset(names)
