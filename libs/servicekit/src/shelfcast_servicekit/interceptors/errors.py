"""Errors become statuses here and nowhere else; the text of an unknown one stays in the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Final

import grpc
from grpc_status import rpc_status

from shelfcast_servicekit.errors import InternalError, ShelfcastError
from shelfcast_servicekit.status import from_rpc_error, status_code, to_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stream, Unary
    from shelfcast_servicekit.permissions import MethodRule

HEARING_SECONDS: Final = 2.0

_LOG: Final = logging.getLogger("shelfcast.rpc")


class ErrorStage:
    """Turns what a call raises into `google.rpc.Status`; cancellation and `abort` go on."""

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Translate the errors of a call that answers with one message."""

        async def translated(request: Request, context: Context) -> Message | None:
            try:
                return await inner(request, context)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the outermost handler of every call
                if isinstance(request, AsyncIterable):
                    await hear_out(context)
                set_failure(context, declared(error, rule))
                return None

        return translated

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Translate the errors of a call that answers with a stream."""

        async def translated(request: Request, context: Context) -> AsyncIterator[Message]:
            try:
                async for message in inner(request, context):
                    yield message
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the outermost handler of every call
                set_failure(context, declared(error, rule))

        return translated


async def hear_out(context: Context) -> None:
    """Tell a client that still sends that its call is decided, and wait a little until it has stopped.

    gRPC resets the stream behind a status that it sends while messages come in, and the client may see the
    reset first: INTERNAL in place of the reason. Headers are the only thing that can reach it before.
    """
    with contextlib.suppress(TimeoutError, grpc.aio.UsageError, asyncio.InvalidStateError):
        async with asyncio.timeout(HEARING_SECONDS):
            await context.send_initial_metadata(())
            while await context.read() is not grpc.aio.EOF:  # type: ignore[comparison-overlap]  # so says the stub
                pass


def declared(error: Exception, rule: MethodRule) -> ShelfcastError:
    """Give the declared error for whatever a call raised; an unknown one is logged and INTERNAL."""
    if isinstance(error, ShelfcastError):
        return error
    if isinstance(error, grpc.aio.AioRpcError):
        return from_rpc_error(error)
    _LOG.error("unhandled exception in %s", rule.path, exc_info=error)
    return InternalError()


def set_failure(context: Context, error: ShelfcastError) -> None:
    """Make the call end with the error's status.

    The status is set and the code returns: `abort` raises through the handler and breaks the grace of
    `stop` (grpc #37239).
    """
    status = to_status(error)
    context.set_code(status_code(status.code))
    context.set_details(status.message)
    context.set_trailing_metadata(((rpc_status.GRPC_DETAILS_METADATA_KEY, status.SerializeToString()),))
