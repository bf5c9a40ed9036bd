"""A text cut into blocks of whole lines, of a bounded size, whatever the text is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelfcast_data.errors import LineTooLong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines of a file."""

    text: bytes
    """The lines, line ends included; only the last line of a file may lack its end."""
    end: int
    """Offset of the end in the file."""


def blocks(
    pieces: Iterable[bytes], newline: bytes, start: int, size: int, longest_line: int
) -> Iterator[Block]:
    """Give the lines of a file from offset `start` on, in blocks of about `size` bytes.

    At most `size` + `longest_line` bytes and one piece are held.
    Raises: LineTooLong with the offset where the line begins.
    """
    held, done, skip = bytearray(), start, start
    for piece in pieces:
        if skip >= len(piece):
            skip -= len(piece)
            continue
        held += memoryview(piece)[skip:] if skip else piece
        skip = 0
        while cut := _cut(held, newline, size):
            done += cut
            yield Block(bytes(memoryview(held)[:cut]), done)
            del held[:cut]
        if len(held) > size + longest_line:
            raise LineTooLong(offset=str(done), limit=str(longest_line))
    if held:
        if len(held) - held.rfind(newline) - 1 > longest_line:
            raise LineTooLong(offset=str(done + held.rfind(newline) + 1), limit=str(longest_line))
        yield Block(bytes(held), done + len(held))


def _cut(held: bytearray, newline: bytes, size: int) -> int:
    """Give where a block of about `size` bytes ends; 0 while too little is held."""
    if len(held) < size:
        return 0
    return held.rfind(newline, 0, size) + 1 or held.find(newline, size) + 1


class LineGauge:
    """Watches the length of the lines of a text that passes by, without holding it."""

    def __init__(self, longest_line: int) -> None:
        """Begin before the first byte."""
        self._longest = longest_line
        self._offset = 0
        self._line_start = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Raises: LineTooLong with the offset where the line begins."""
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        if last >= 0:
            self._line_start = self._offset + last + 1
        self._offset += len(piece)
        if self._offset - self._line_start > self._longest:
            raise LineTooLong(offset=str(self._line_start), limit=str(self._longest))
