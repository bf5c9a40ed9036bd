"""The two shapes of an RPC's code, and how an interceptor's stages are put around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeAlias

import grpc
from google.protobuf.message import Message

from shelfcast_servicekit.permissions import MethodRule

Context: TypeAlias = "grpc.aio.ServicerContext[Message, Message]"
Request: TypeAlias = Message | AsyncIterator[Message]
"""One message, or the stream of them that the client sends."""
Unary: TypeAlias = "Callable[[Request, Context], Awaitable[Message | None]]"
"""Answers with one message; None after the status was set to an error."""
Stream: TypeAlias = "Callable[[Request, Context], AsyncIterator[Message]]"
"""Answers with a stream of messages."""


class Stage(Protocol):
    """One concern around every RPC; `unary` and `stream` are called once per method, at its first call."""

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Put the concern around code that answers with one message."""

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Put the concern around code that answers with a stream."""
