"""Every call names its caller, and the caller holds the permission that the RPC declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from prometheus_client import Counter

from shelfcast_servicekit.auth import Caller, CredentialVerifier, current_caller, set_caller
from shelfcast_servicekit.errors import (
    CredentialInvalid,
    CredentialMissing,
    PermissionMissing,
    ShelfcastError,
)
from shelfcast_servicekit.interceptors.metadata import metadata_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stream, Unary
    from shelfcast_servicekit.permissions import MethodRule

AUTHORIZATION: Final = "authorization"
BEARER: Final = "Bearer "
TENANT_ATTRIBUTE: Final = "shelfcast.tenant"
"""Span attribute by which the monitoring service knows whose trace it is."""

_REFUSED: Final = Counter("rpc_refused_total", "Calls refused for want of a right.", ("method", "reason"))


class AuthStage:
    """Verifies the credential in the metadata and makes its caller current."""

    def __init__(self, verifier: CredentialVerifier) -> None:
        """Ask `verifier` for the caller of each credential."""
        self._verifier = verifier

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Guard a call that answers with one message."""

        async def guarded(request: Request, context: Context) -> Message | None:
            await self._admit(rule)
            if rule.force_permission and getattr(request, "force", False):
                check_held(rule, rule.force_permission, current_caller())
            return await inner(request, context)

        return guarded

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Guard a call that answers with a stream."""

        async def guarded(request: Request, context: Context) -> AsyncIterator[Message]:
            await self._admit(rule)
            async for message in inner(request, context):
                yield message

        return guarded

    async def _admit(self, rule: MethodRule) -> None:
        credential = metadata_text(AUTHORIZATION).removeprefix(BEARER)
        if not credential:
            if rule.is_public:
                return
            raise _refused(rule, CredentialMissing())
        try:
            caller = await self._verifier.verify(credential)
        except CredentialInvalid as error:
            raise _refused(rule, error) from error
        check_permission(rule, caller)
        set_caller(caller)
        trace.get_current_span().set_attribute(TENANT_ATTRIBUTE, caller.tenant)


def check_permission(rule: MethodRule, caller: Caller) -> None:
    """Raise PermissionMissing unless the RPC is public or the caller holds its permission."""
    if not rule.is_public:
        check_held(rule, rule.permission, caller)


def check_held(rule: MethodRule, permission: str, caller: Caller) -> None:
    """Raise PermissionMissing unless the caller holds a permission."""
    if permission not in caller.permissions:
        raise _refused(rule, PermissionMissing(permission=permission))


def _refused(rule: MethodRule, error: ShelfcastError) -> ShelfcastError:
    _REFUSED.labels(rule.path, error.reason).inc()
    return error
