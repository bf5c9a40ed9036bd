"""Channels to other services: every call has a deadline, a token, a trace, and at most one retry layer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

import grpc
from google.protobuf import descriptor_pool

from shelfcast_servicekit.outgoing import ManagedChannel
from shelfcast_servicekit.permissions import OWN_PACKAGE, method_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shelfcast_servicekit.auth import TokenMinter

KEEPALIVE_MILLIS: Final = 30_000
KEEPALIVE_TIMEOUT_MILLIS: Final = 5_000
MAX_RECONNECT_MILLIS: Final = 1_000
MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""Largest message either way; as large as the largest body that the gateway takes by default."""
MAX_ATTEMPTS: Final = 3


def open_channel(
    target: str, audience: str, minter: TokenMinter | None, *, services: Iterable[str] = ()
) -> grpc.aio.Channel:
    """Open the one channel of this process to a service; call it on the running event loop.

    audience: short name of the called service, for its tokens. minter: None sends no token.
    services: full names whose retryable methods may be retried; empty means all that are imported.
    """
    options: list[tuple[str, str | int]] = [
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLIS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MILLIS),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_MILLIS),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.enable_retries", 1),
        ("grpc.service_config", json.dumps(service_config(services or _imported_services()))),
    ]
    return ManagedChannel(grpc.aio.insecure_channel(target, options=options), audience, minter)


def service_config(services: Iterable[str]) -> Mapping[str, object]:
    """Give the service config of a channel: retries for UNAVAILABLE where the proto allows a repeat.

    It never holds `timeout`: with grpcio 1.85 that failed every call at once (pitfalls, grpc.aio).
    """
    names = [
        {"service": rule.service, "method": rule.method}
        for service in services
        for rule in method_rules(descriptor_pool.Default().FindServiceByName(service)).values()
        if rule.is_retryable
    ]
    config: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if names:
        config["methodConfig"] = [{"name": names, "retryPolicy": _RETRY_POLICY}]
        config["retryThrottling"] = {"maxTokens": 10, "tokenRatio": 0.1}
    return config


_RETRY_POLICY: Final = {
    "maxAttempts": MAX_ATTEMPTS,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def _imported_services() -> list[str]:
    """Give our services whose stubs this process has imported."""
    pool = descriptor_pool.Default()
    return sorted(
        service.full_name
        for path in _imported_files()
        for service in pool.FindFileByName(path).services_by_name.values()
    )


def _imported_files() -> list[str]:
    return [
        module.DESCRIPTOR.name
        for name, module in list(sys.modules.items())
        if name.startswith(OWN_PACKAGE) and name.endswith("_service_pb2")
    ]
