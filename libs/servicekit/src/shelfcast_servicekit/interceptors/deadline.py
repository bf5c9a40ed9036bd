"""Every call has a deadline: the client's, capped by what the RPC declares."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shelfcast_servicekit.deadline import set_deadline
from shelfcast_servicekit.errors import DeadlineExceeded, DeadlineMissing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stream, Unary
    from shelfcast_servicekit.permissions import MethodRule


class DeadlineStage:
    """Refuses a call without a deadline, and ends one that asks for more time than the RPC gives."""

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Limit a call that answers with one message."""
        cap = rule.deadline_seconds

        async def limited(request: Request, context: Context) -> Message | None:
            remaining = _remaining(context)
            if remaining <= cap:  # gRPC itself cancels the call then
                set_deadline(remaining)
                return await inner(request, context)
            set_deadline(cap)
            try:
                async with asyncio.timeout(cap) as scope:
                    return await inner(request, context)
            except TimeoutError as error:
                raise _translated(scope, error) from error

        return limited

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Limit a call that answers with a stream."""
        cap = rule.deadline_seconds

        async def limited(request: Request, context: Context) -> AsyncIterator[Message]:
            allowed = min(_remaining(context), cap)
            set_deadline(allowed)
            try:
                async with asyncio.timeout(allowed) as scope:
                    async for message in inner(request, context):
                        yield message
            except TimeoutError as error:
                raise _translated(scope, error) from error

        return limited


def _remaining(context: Context) -> float:
    remaining = context.time_remaining()
    if remaining is None:
        raise DeadlineMissing
    return float(remaining)


def _translated(scope: asyncio.Timeout, error: TimeoutError) -> Exception:
    """Tell our own limit from a TimeoutError that the call's code raised."""
    return DeadlineExceeded() if scope.expired() else error
