"""Files fetched over HTTP: listed hosts only, redirects looked at like the first URL, bounded in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import httpcore

from shelfcast_data.adapters.http.guarded_network import GuardedNetwork
from shelfcast_data.errors import FetchBroken, FetchFailed

if TYPE_CHECKING:
    from shelfcast_data.domain.import_host import ImportHosts, Target

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 60.0
MOST_REDIRECTS: Final = 5

_HEADERS: Final[Mapping[bytes | str, bytes | str]] = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "user-agent": "shelfcast",
}

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which another try may do."""
_TIMEOUTS: Final = {
    "connect": CONNECT_SECONDS,
    "read": READ_SECONDS,
    "write": READ_SECONDS,
    "pool": READ_SECONDS,
}
_LOST: Final = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class HttpFile:
    """A file on its way."""

    host: str
    """Where it comes from."""
    response: httpcore.Response
    """The answer that holds it."""
    is_continued: bool
    """Whether it goes on after what is there already."""
    total_bytes: int
    """Bytes of the whole file; 0 if the server does not say."""
    tag: str
    """Names this state of the file; empty if it cannot be gone on with."""

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes. Raises: FetchBroken, FetchFailed."""
        try:
            yield from self.response.iter_stream()
        except _LOST as error:
            raise FetchBroken(host=self.host, problem=f"it broke off ({_words(error)})") from error


class HttpFiles:
    """Fetches files."""

    def __init__(self, hosts: ImportHosts, most_seconds: float) -> None:
        """Fetch from `hosts`.

        most_seconds: longest time that one answer may take in all.
        """
        self._hosts = hosts
        self._most_seconds = most_seconds
        self._tls = httpcore.default_ssl_context()
        self._tls.load_default_certs()  # a private authority of the operator, beside the public ones

    @contextmanager
    def open(self, url: str, offset: int, tag: str) -> Iterator[HttpFile]:
        """Ask for a file from an offset on, if it still is in the state of `tag`; `""` means all of it.

        Raises: UrlRefused, FetchBroken, FetchFailed.
        """
        headers: dict[bytes | str, bytes | str] = dict(_HEADERS)
        if tag and offset:
            headers |= {"range": f"bytes={offset}-", "if-range": tag}
        network = GuardedNetwork(self._hosts, self._most_seconds)
        with httpcore.ConnectionPool(self._tls, network_backend=network) as pool:
            target = self._hosts.target(url)
            for _ in range(MOST_REDIRECTS + 1):
                with _answer(pool, target, headers) as response:
                    if response.status not in _REDIRECTS:
                        yield _file(target.host, response, offset if tag else 0)
                        return
                    target = self._hosts.target(_redirected(target, response))
            raise FetchFailed(host=target.host, problem=f"it redirected more than {MOST_REDIRECTS} times")


@contextmanager
def _answer(
    pool: httpcore.ConnectionPool, target: Target, headers: Mapping[bytes | str, bytes | str]
) -> Iterator[httpcore.Response]:
    try:
        response = pool.handle_request(_request(target, headers))
    except _LOST as error:
        raise FetchBroken(host=target.host, problem=f"there was no answer ({_words(error)})") from error
    try:
        yield response
    finally:
        response.close()


def _request(target: Target, headers: Mapping[bytes | str, bytes | str]) -> httpcore.Request:
    """Give the request; its URL is made of what was looked at, so that nobody reads it otherwise."""
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )
    headers = {"host": target.authority, **headers}
    return httpcore.Request("GET", url, headers=headers, extensions={"timeout": _TIMEOUTS})


def _redirected(target: Target, response: httpcore.Response) -> str:
    location = _header(response, b"location")
    if not location:
        raise FetchFailed(host=target.host, problem="it redirected to nowhere")
    return urljoin(target.url, location)


def _file(host: str, response: httpcore.Response, offset: int) -> HttpFile:
    """Judge an answer. Raises: FetchBroken, FetchFailed."""
    status = response.status
    is_continued = status == 206 and _header(response, b"content-range").startswith(f"bytes {offset}-")
    if status != 200 and not is_continued:
        kind = FetchBroken if status in _PASSING or status == 206 else FetchFailed
        raise kind(host=host, problem=f"it answered with status {status}")
    coding = _header(response, b"content-encoding").lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:  # what gzip makes is a file that can be read
        raise FetchFailed(host=host, problem=f"it sent the content encoding {coding[:40]}")
    length = _header(response, b"content-length")
    size = int(length) if length.isascii() and length.isdigit() else 0
    return HttpFile(host, response, is_continued, size + offset * is_continued, _tag(response))


def _tag(response: httpcore.Response) -> str:
    """Give the strong tag of a file that can be asked for in parts."""
    tag = _header(response, b"etag")
    can_go_on = response.status == 206 or _header(response, b"accept-ranges").lower() == "bytes"
    return tag if can_go_on and tag.startswith('"') else ""


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _words(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:200]
