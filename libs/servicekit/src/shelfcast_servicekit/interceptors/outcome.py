"""How a call ended, cancel and deadline included."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import grpc

if TYPE_CHECKING:
    from shelfcast_servicekit.interceptors.behaviour import Context

# Errors of the caller are no failure of the server (OpenTelemetry's rule for server spans).
SERVER_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


def outcome(context: Context) -> grpc.StatusCode:
    """Give the status of a call whose code returned: the one that was set, else OK."""
    code = context.code()
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.OK


def broken_outcome(context: Context, error: BaseException) -> grpc.StatusCode:
    """Give the status of a call whose code was ended by an exception."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        remaining = context.time_remaining()
        is_late = remaining is not None and remaining <= 0
        return grpc.StatusCode.DEADLINE_EXCEEDED if is_late else grpc.StatusCode.CANCELLED
    code = context.code()  # set by `context.abort`
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN
