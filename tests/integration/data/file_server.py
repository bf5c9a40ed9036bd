"""An HTTP server of the tests, which answers as it is told and notes what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request to the server."""

    protocol_version = "HTTP/1.1"
    files: FileServer

    def do_GET(self) -> None:
        """Answer as the server was told."""
        path = self.path.partition("?")[0]
        self.files.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        answers = self.files.answers[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with suppress(ConnectionError):  # the client has gone
            answer(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def cut(self) -> None:
        """Break the connection off."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)


@dataclass
class FileServer:
    """What is served under which path; several answers come one after the other, the last one for ever."""

    port: int
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def whole(content: bytes, status: int = 200, **headers: str) -> Answer:
    """Send all bytes."""

    def answer(request: Request) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        request.begin(status, {"content-length": str(len(content)), **told})
        request.wfile.write(content)

    return answer


def broken(content: bytes, sent: int, **headers: str) -> Answer:
    """Promise all bytes and break off after some."""

    def answer(request: Request) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        request.begin(200, {"content-length": str(len(content)), **told})
        request.wfile.write(content[:sent])
        request.cut()

    return answer


def redirect(target: str) -> Answer:
    """Send elsewhere."""
    return whole(b"", 302, location=target)


@contextmanager
def file_server() -> Iterator[FileServer]:
    """Serve on a free port of the loopback address."""
    handler = type("Bound", (Request,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    files = FileServer(server.server_address[1])
    handler.files = files  # type: ignore[attr-defined]  # the class is made here
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
