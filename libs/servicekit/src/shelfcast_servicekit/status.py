"""The table from an error's reason to its gRPC status and HTTP face, read from the protos."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
import shelfcast
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from shelfcast.common.v1 import options_pb2

from shelfcast_servicekit.errors import ShelfcastError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.descriptor import EnumValueDescriptor
    from google.protobuf.message import Message

_FACT: Final = re.compile(r"\{([a-z0-9_]+)\}")
DOMAIN: Final = "shelfcast"
UNSTATED: Final = "ERROR_REASON_UNSPECIFIED"

# 20 KB of headers are refused by gRPC; base64 adds a third, other metadata needs room.
_VIOLATION_BYTES: Final = 6 * 1024


@dataclass(frozen=True, slots=True)
class ReasonEntry:
    """What a reason becomes over gRPC and HTTP, and how it reads."""

    reason: str
    """The reason, UPPER_SNAKE."""
    area: str
    """Area whose `ErrorReason` declares it, for instance `common`."""
    code: grpc.StatusCode
    """gRPC status code."""
    http_status: int
    """HTTP status."""
    title: str
    """Title for people, the same for each case."""
    detail: str
    """Sentence for people, with `{name}` for metadata values; the title when none is declared."""
    hint: str
    """What the caller can do about it, with `{name}` for metadata values."""


class RemoteError(ShelfcastError):
    """An error that another service gave, under the reason that it named."""

    def __init__(
        self,
        reason: str,
        *,
        violations: Sequence[Violation] = (),
        retry_after_seconds: float | None = None,
        **metadata: str,
    ) -> None:
        """Carry the remote reason as if it were our own."""
        self.reason = reason
        super().__init__(violations=violations, retry_after_seconds=retry_after_seconds, **metadata)


@cache
def reason_table() -> Mapping[str, ReasonEntry]:
    """Give all declared reasons of all areas; the table is built once.

    Raises: ValueError when two areas declare one reason with different codes, or one has no option.
    """
    table: dict[str, ReasonEntry] = {}
    for area in _areas():
        module = importlib.import_module(f"shelfcast.{area}.v1.errors_pb2")
        for value in module.DESCRIPTOR.enum_types_by_name["ErrorReason"].values:
            if value.name != UNSTATED:
                _add(table, _entry(area, value))
    return table


def _areas() -> list[str]:
    """Give the areas that declare reasons, `common` first."""
    found = {
        path.parents[1].name
        for folder in shelfcast.__path__
        for path in Path(folder).glob("*/v1/errors_pb2.py")
    }
    return sorted(found, key=lambda area: (area != "common", area))


def _entry(area: str, value: EnumValueDescriptor) -> ReasonEntry:
    option = value.GetOptions().Extensions[options_pb2.error]
    if not option.http_status:
        raise ValueError(f"{area}.{value.name} has no option `error`")
    return ReasonEntry(
        reason=value.name,
        area=area,
        code=status_code(option.code),
        http_status=option.http_status,
        title=option.title,
        detail=option.detail or option.title,
        hint=option.hint,
    )


def _add(table: dict[str, ReasonEntry], entry: ReasonEntry) -> None:
    known = table.setdefault(entry.reason, entry)
    if (known.code, known.http_status) != (entry.code, entry.http_status):
        raise ValueError(f"{entry.reason} differs between {known.area} and {entry.area}")


@cache
def _codes() -> Mapping[int, grpc.StatusCode]:
    return {code.value[0]: code for code in grpc.StatusCode}


def status_code(number: int) -> grpc.StatusCode:
    """Give the gRPC status of a canonical code number; an unknown number is UNKNOWN."""
    return _codes().get(number, grpc.StatusCode.UNKNOWN)


def entry_of(reason: str) -> ReasonEntry:
    """Give the entry of a reason; that of INTERNAL for a reason nobody declared."""
    table = reason_table()
    return table.get(reason) or table["INTERNAL"]


def render(template: str, metadata: Mapping[str, str]) -> str:
    """Fill `{name}` in a template from metadata; a fact that was not given shows its name.

    Other braces stay as they are: a hint may show JSON.

    >>> render("There is no job {job_id}.", {"job_id": "7"})
    'There is no job 7.'
    """
    return _FACT.sub(lambda found: metadata.get(found[1], found[1]), template)


def detail_of(error: ShelfcastError) -> str:
    """Give the sentence for people that an error's reason and metadata make."""
    return render(entry_of(error.reason).detail, error.metadata)


def to_status(error: ShelfcastError) -> status_pb2.Status:
    """Give the status that tells a caller about an error: one ErrorInfo and what else applies."""
    entry = entry_of(error.reason)
    status = status_pb2.Status(code=entry.code.value[0], message=render(entry.detail, error.metadata))
    info = error_details_pb2.ErrorInfo(reason=entry.reason, domain=DOMAIN, metadata=error.metadata)
    details: list[Message] = []
    if error.violations:
        request, left_out = _bad_request(error.violations)
        details.append(request)
        if left_out:
            info.metadata["violations_left_out"] = str(left_out)
    if error.retry_after_seconds is not None:
        details.append(_retry_info(error.retry_after_seconds))
    for detail in (info, *details):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _bad_request(violations: Sequence[Violation]) -> tuple[error_details_pb2.BadRequest, int]:
    request = error_details_pb2.BadRequest()
    room = _VIOLATION_BYTES
    for index, violation in enumerate(violations):
        part = error_details_pb2.BadRequest.FieldViolation(
            field=violation.pointer, description=violation.detail, reason=violation.rule
        )
        room -= part.ByteSize() + 4
        if room < 0:
            return request, len(violations) - index
        request.field_violations.append(part)
    return request, 0


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(seconds * 1_000_000_000))
    return error_details_pb2.RetryInfo(retry_delay=delay)


_BARE: Final = {
    grpc.StatusCode.UNAVAILABLE: "UPSTREAM_UNAVAILABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DEADLINE_EXCEEDED",
    grpc.StatusCode.CANCELLED: "REQUEST_CANCELLED",
    grpc.StatusCode.UNIMPLEMENTED: "RPC_UNIMPLEMENTED",
}
_TOO_LARGE: Final = re.compile(r"(CLIENT|SERVER): Received message larger than max \((\d+) vs\. (\d+)\)")
"""Text of grpcio; `test_large_replies.py` tells when it becomes another one."""


def from_rpc_error(error: grpc.aio.AioRpcError, service: str = "upstream") -> RemoteError:
    """Give the declared error that a failed call stands for.

    service: name of the called service, for the text when the transport gave a bare status.
    """
    status = _status_of(error)
    if status is not None:
        found = from_status(status)
        if found is not None:
            return found
    too_large = _too_large(error, service)
    if too_large is not None:
        return too_large
    reason = _BARE.get(error.code(), "INTERNAL")
    if reason == "UPSTREAM_UNAVAILABLE":
        return RemoteError(reason, retry_after_seconds=1.0, service=service)
    return RemoteError(reason, service=service)


def _too_large(error: grpc.aio.AioRpcError, service: str) -> RemoteError | None:
    """Give what the transport says of a message that is over the limit of the side that receives it."""
    told = _TOO_LARGE.search(error.details() or "")
    if told is None or error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
        return None
    side, size, limit = told.groups()
    reason = "REPLY_TOO_LARGE" if side == "CLIENT" else "PAYLOAD_TOO_LARGE"
    return RemoteError(reason, service=service, size=size, limit=limit)


def _status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == rpc_status.GRPC_DETAILS_METADATA_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None


def from_status(status: status_pb2.Status) -> RemoteError | None:
    """Give the declared error in a status, or None when it names no reason."""
    info, request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for detail in status.details:
        _ = detail.Unpack(info) or detail.Unpack(request) or detail.Unpack(retry)
    if not info.reason:
        return None
    after = retry.retry_delay.ToNanoseconds() / 1e9 if retry.HasField("retry_delay") else None
    return RemoteError(
        info.reason,
        violations=tuple(_violations(request.field_violations)),
        retry_after_seconds=after,
        **dict(info.metadata),
    )


def _violations(
    parts: Iterable[error_details_pb2.BadRequest.FieldViolation],
) -> Iterable[Violation]:
    return (Violation(part.field, part.description, part.reason) for part in parts)
