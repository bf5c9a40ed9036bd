"""Multipart bodies, parsed as they come: fields first, then the part `file`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from shelfcast_servicekit.errors import BodyMalformed, PayloadTooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_PART: Final = "file"
MOST_PARTS: Final = 64
LONGEST_FIELD: Final = 64 * 1024


@dataclass(slots=True)
class Form:
    """The fields of a multipart body that came before its file, and the file's name."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    file_name: str = ""
    has_file: bool = False


class FormReader:
    """Feeds a multipart parser; gives the fields, then the file's bytes."""

    def __init__(self, content_type: str) -> None:
        """Raise BodyMalformed when the content type names no boundary."""
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary or len(boundary) > 256:
            raise BodyMalformed(problem="the multipart boundary is missing")
        self.form = Form()
        self._parts = 0
        self._headers: dict[bytes, bytes] = {}
        self._header_name = b""
        self._header_value = b""
        self._name = ""
        self._value = b""
        self._ready: list[bytes] = []
        self._is_done = False
        self._parser = MultipartParser(boundary, self._callbacks())

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin_part,
            "on_part_data": self._data,
            "on_part_end": self._end_part,
            "on_header_field": self._header_field,
            "on_header_value": self._header_text,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_end": self._end,
        }

    async def begin(self, chunks: AsyncIterator[bytes]) -> None:
        """Read on until the file begins or the body ends. Raises: BodyMalformed, PayloadTooLarge."""
        async for chunk in chunks:
            self._feed(chunk)
            if self.form.has_file or self._is_done:
                return

    async def file(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the bytes of the file. Raises: BodyMalformed, PayloadTooLarge."""
        for part in self._taken():
            yield part
        async for chunk in chunks:
            self._feed(chunk)
            for part in self._taken():
                yield part
        if not self._is_done:
            raise BodyMalformed(problem="the multipart body has no closing boundary")

    def _taken(self) -> list[bytes]:
        ready, self._ready = self._ready, []
        return ready

    def _feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BodyMalformed(problem="it is no multipart body") from error

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise PayloadTooLarge(limit=f"{MOST_PARTS} parts", size=f"over {MOST_PARTS}")
        self._headers, self._name, self._value = {}, "", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name, self._header_value = b"", b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = _text(options.get(b"name", b""))
        if not self._name:
            raise BodyMalformed(problem="a part has no name")
        if self.form.has_file:
            raise BodyMalformed(problem=f"the part {self._name[:100]!r} comes after the file")
        if self._name == FILE_PART:
            self.form.has_file = True
            self.form.file_name = _text(options.get(b"filename", b"")).replace("\\", "/").rpartition("/")[2]

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE_PART:
            self._ready.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD:
            raise PayloadTooLarge(limit=str(LONGEST_FIELD), size=f"over {LONGEST_FIELD}")

    def _end_part(self) -> None:
        if self._name != FILE_PART:
            self.form.fields.setdefault(self._name, []).append(_text(self._value))

    def _end(self) -> None:
        self._is_done = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BodyMalformed(problem="a part is not UTF-8") from error
