"""Connections to addresses that were looked at, each with an end in time.

So no name leads elsewhere between look and use, and no server that drips holds a worker for ever.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpcore

from shelfcast_data.errors import FetchFailed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    from shelfcast_data.domain.import_host import ImportHosts


class GuardedNetwork(httpcore.SyncBackend):
    """Resolves a name once, checks every address that it stands for, and connects to one of just these."""

    def __init__(self, hosts: ImportHosts, most_seconds: float) -> None:
        """Connect where `hosts` allows it, for so many seconds from now on."""
        self._hosts = hosts
        self._ends_at = time.monotonic() + most_seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host. Raises: UrlRefused, httpcore.ConnectError, httpcore.ConnectTimeout."""
        addresses = _addresses(host, port)
        for address in addresses:
            self._hosts.check_address(host, address, port)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                stream = super().connect_tcp(address, port, timeout, local_address, socket_options)
                return EndingStream(stream, host, self._ends_at)
        stream = super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)
        return EndingStream(stream, host, self._ends_at)


class EndingStream(httpcore.NetworkStream):
    """A connection that gives nothing any more after a time."""

    def __init__(self, stream: httpcore.NetworkStream, host: str, ends_at: float) -> None:
        """Use `stream` until `ends_at` on the monotonic clock."""
        self._stream = stream
        self._host = host
        self._ends_at = ends_at

    def _left(self, timeout: float | None) -> float:
        """Give how long to wait at most. Raises: FetchFailed once the time is over."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise FetchFailed(host=self._host, problem="it took too long")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Give what has come. Raises: FetchFailed, httpcore.ReadError, httpcore.ReadTimeout."""
        try:
            return self._stream.read(max_bytes, self._left(timeout))
        except httpcore.ReadTimeout:
            self._left(timeout)
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send. Raises: FetchFailed, httpcore.WriteError, httpcore.WriteTimeout."""
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on under TLS. Raises: FetchFailed, httpcore.ConnectError, httpcore.ConnectTimeout."""
        secure = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return EndingStream(secure, self._host, self._ends_at)

    def get_extra_info(self, info: str) -> object:
        """Tell of the connection."""
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"the name {host} is not known") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))
