"""Reading why a gRPC call was refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from shelfcast_client.errors import RequestRefused, ServiceUnreachable
from shelfcast_client.problem import Fault, Problem
from shelfcast_client.refusals import REFUSALS

M = TypeVar("M", bound=Message)

DETAILS_KEY: Final = "grpc-status-details-bin"
HTTP_STATUS: Final = {
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
}


def refusal(error: grpc.aio.AioRpcError) -> RequestRefused | ServiceUnreachable:
    """Give the exception for a failed call; a status without details came from the transport."""
    status = _status(error)
    info = _detail(status.details, error_details_pb2.ErrorInfo)
    if info is None:
        return _bare(error)
    kind = REFUSALS.get(info.reason, RequestRefused)
    violations = _detail(status.details, error_details_pb2.BadRequest)
    problem = Problem(
        reason=info.reason,
        detail=status.message,
        status=kind.status,
        faults=tuple(
            Fault(row.field, row.description) for row in (violations.field_violations if violations else ())
        ),
        retry_after_seconds=_retry_after(status),
    )
    return kind(problem)


def _bare(error: grpc.aio.AioRpcError) -> RequestRefused | ServiceUnreachable:
    text = error.details() or error.code().name
    if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
        return ServiceUnreachable(text)
    return RequestRefused(Problem("", text, HTTP_STATUS.get(error.code(), 500)))


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    found = dict(error.trailing_metadata() or ()).get(DETAILS_KEY, b"")
    return status_pb2.Status.FromString(found if isinstance(found, bytes) else b"")


def _retry_after(status: status_pb2.Status) -> float | None:
    info = _detail(status.details, error_details_pb2.RetryInfo)
    return None if info is None else info.retry_delay.ToTimedelta().total_seconds()


def _detail(details: Iterable[Message], kind: type[M]) -> M | None:
    """Unpack the detail of one kind; None when there is none."""
    for packed in details:
        found = kind()
        if packed.Unpack(found):  # type: ignore[attr-defined]  # every detail is an Any
            return found
    return None
