"""The root of every error tree, and the errors whose reasons any service may give.

ShelfcastError
├── FieldMissing, DateMalformed, BodyMalformed, FieldRuleViolated, UnknownField, ReadOnlyField
├── PageTokenInvalid, IdempotencyKeyReused, RequestInFlight, EtagMismatch
├── CredentialMissing, CredentialInvalid, PermissionMissing
├── PayloadTooLarge, StorageFull, RateLimited
├── UpstreamUnavailable, DeadlineExceeded, DeadlineMissing, RequestCancelled, RpcUnimplemented
└── InternalError

A class names a reason of `shelfcast.<area>.v1.ErrorReason`; it knows neither gRPC nor HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of a request: where it is, what is wrong, and which rule says so."""

    pointer: str
    """JSON Pointer into what was sent, for instance `/sales/3/date`."""
    detail: str
    """One sentence for people: what is wrong and what would be right."""
    rule: str = ""
    """Name of the broken rule, for instance `int32.gte`; empty when it has none."""


class ShelfcastError(Exception):
    """Root of every declared error: a reason and the facts that belong to it."""

    reason: str = "INTERNAL"
    """Reason as declared in an `ErrorReason` enum."""

    _PLAIN: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(
        self,
        *,
        violations: Sequence[Violation] = (),
        retry_after_seconds: float | None = None,
        **metadata: str,
    ) -> None:
        """Keep the facts; they become text once, from the reason's template.

        violations: all faults of the request. retry_after_seconds: when a repeat may help.
        metadata: facts in text, without personal data, SQL or paths.
        """
        facts = ", ".join(f"{name}={value!r}" for name, value in metadata.items())
        super().__init__(f"{self.reason}({facts})")
        self.violations: tuple[Violation, ...] = tuple(violations)
        self.retry_after_seconds = retry_after_seconds
        self.metadata: Mapping[str, str] = MappingProxyType(metadata) if metadata else self._PLAIN


class FieldMissing(ShelfcastError):
    """A field that must be present is not (metadata: field)."""

    reason = "FIELD_MISSING"


class DateMalformed(ShelfcastError):
    """A date has the wrong form or names a day that does not exist (metadata: value)."""

    reason = "DATE_MALFORMED"


class BodyMalformed(ShelfcastError):
    """A body is empty or cannot be read (metadata: problem)."""

    reason = "BODY_MALFORMED"


class FieldUnreadable(ShelfcastError):
    """A value is not of the type of its field."""

    reason = "FIELD_UNREADABLE"


class PageTokenInvalid(ShelfcastError):
    """A page token was changed, has expired, or belongs to another list."""

    reason = "PAGE_TOKEN_INVALID"


class FieldRuleViolated(ShelfcastError):
    """A value is readable but out of its range or form."""

    reason = "FIELD_RULE_VIOLATED"


class UnknownField(ShelfcastError):
    """A member or parameter is not part of the request."""

    reason = "UNKNOWN_FIELD"


class ReadOnlyField(ShelfcastError):
    """A member can only be read."""

    reason = "READ_ONLY_FIELD"


class IdempotencyKeyReused(ShelfcastError):
    """One idempotency key came with two bodies."""

    reason = "IDEMPOTENCY_KEY_REUSED"


class RequestInFlight(ShelfcastError):
    """The first request with this idempotency key is still running."""

    reason = "REQUEST_IN_FLIGHT"


class CredentialMissing(ShelfcastError):
    """The call carries no credential."""

    reason = "CREDENTIAL_MISSING"


class CredentialInvalid(ShelfcastError):
    """The credential is unknown, revoked, expired or made for another place."""

    reason = "CREDENTIAL_INVALID"


class PermissionMissing(ShelfcastError):
    """The caller lacks the permission of the RPC (metadata: permission)."""

    reason = "PERMISSION_MISSING"


class EtagMismatch(ShelfcastError):
    """Somebody changed the resource meanwhile."""

    reason = "ETAG_MISMATCH"


class PayloadTooLarge(ShelfcastError):
    """A body is over a limit (metadata: limit, size)."""

    reason = "PAYLOAD_TOO_LARGE"


class RateLimited(ShelfcastError):
    """The caller is over the rate limit."""

    reason = "RATE_LIMITED"


class StorageFull(ShelfcastError):
    """The store refused to take more bytes."""

    reason = "STORAGE_FULL"


class UpstreamUnavailable(ShelfcastError):
    """A service or its database does not answer (metadata: service)."""

    reason = "UPSTREAM_UNAVAILABLE"


class DeadlineExceeded(ShelfcastError):
    """The time for the request is over."""

    reason = "DEADLINE_EXCEEDED"


class DeadlineMissing(ShelfcastError):
    """A gRPC call came without a deadline."""

    reason = "DEADLINE_MISSING"


class RequestCancelled(ShelfcastError):
    """The caller went away."""

    reason = "REQUEST_CANCELLED"


class RpcUnimplemented(ShelfcastError):
    """The service does not know the RPC."""

    reason = "RPC_UNIMPLEMENTED"


class InternalError(ShelfcastError):
    """An error that nobody expected; its cause stands in the log only."""

    reason = "INTERNAL"
