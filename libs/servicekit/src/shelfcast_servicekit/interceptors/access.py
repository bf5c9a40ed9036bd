"""Metrics of every call, and a log line for each that failed or was slow."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

import grpc
from prometheus_client import Gauge, Histogram

from shelfcast_servicekit.interceptors.outcome import SERVER_FAULTS, broken_outcome, outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stream, Unary
    from shelfcast_servicekit.permissions import MethodRule

SLOW_SECONDS: Final = 1.0

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_SECONDS: Final = Histogram(
    "rpc_server_duration_seconds", "Time of served calls.", ("method", "code"), buckets=_BUCKETS
)
_IN_FLIGHT: Final = Gauge("rpc_server_in_flight", "Calls being served.", ("method",))
_LOG: Final = logging.getLogger("shelfcast.access")


class AccessStage:
    """Counts, times and logs calls."""

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Account for a call that answers with one message."""
        account = _Account(rule)

        async def accounted(request: Request, context: Context) -> Message | None:
            started = account.begin()
            code = grpc.StatusCode.OK
            try:
                reply = await inner(request, context)
                code = outcome(context)
            except BaseException as error:
                code = broken_outcome(context, error)
                raise
            else:
                return reply
            finally:
                account.end(started, code)

        return accounted

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Account for a call that answers with a stream."""
        account = _Account(rule)

        async def accounted(request: Request, context: Context) -> AsyncIterator[Message]:
            started = account.begin()
            code = grpc.StatusCode.OK
            try:
                async for message in inner(request, context):
                    yield message
                code = outcome(context)
            except BaseException as error:
                code = broken_outcome(context, error)
                raise
            finally:
                account.end(started, code)

        return accounted


class _Account:
    """The metrics of one method, with their labels resolved once."""

    def __init__(self, rule: MethodRule) -> None:
        self._path = rule.path
        self._in_flight = _IN_FLIGHT.labels(rule.path)
        self._seconds = {code: _SECONDS.labels(rule.path, code.name) for code in grpc.StatusCode}
        # Streams last as long as their reader likes: being long is not being slow.
        self._slow_seconds = SLOW_SECONDS if not rule.is_streaming else float("inf")

    def begin(self) -> float:
        self._in_flight.inc()
        return time.perf_counter()

    def end(self, started: float, code: grpc.StatusCode) -> None:
        seconds = time.perf_counter() - started
        self._in_flight.dec()
        self._seconds[code].observe(seconds)
        level = _level(code, is_slow=seconds > self._slow_seconds)
        if _LOG.isEnabledFor(level):
            _LOG.log(level, "%s %s in %.1f ms", self._path, code.name, seconds * 1000)


def _level(code: grpc.StatusCode, *, is_slow: bool) -> int:
    if code in SERVER_FAULTS:
        return logging.WARNING
    return logging.DEBUG if code is grpc.StatusCode.OK and not is_slow else logging.INFO
