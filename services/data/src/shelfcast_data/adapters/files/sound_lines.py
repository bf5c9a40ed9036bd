"""Lines that can be handed to the CSV tokeniser: UTF-8, with quotes that close within the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class SoundLines:
    """A text whose unsound lines are emptied, so that the numbers of the others stay."""

    text: bytes
    """The text, lines ended by a line feed."""
    faults: Mapping[int, tuple[str, str]]
    """Rule and text of each line that was emptied, by its number from 1."""
    dropped: frozenset[int]
    """Numbers of all empty lines, which are no rows."""
    sent: bytes
    """The text with the unsound lines in it, lines ended by a line feed."""


def sound_lines(text: bytes, newline: bytes) -> SoundLines:
    """Give the text with unsound lines emptied; nothing is copied when there are none."""
    if b"\r" in text:
        text = (
            text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if newline == b"\n"
            else text.replace(b"\r", b"\n")
        )
    sent = text
    faults: dict[int, tuple[str, str]] = {}
    if not _decodes(text):
        text = _emptied(text, faults, lambda line: None if _decodes(line) else "row.encoding")
    if b'"' in text:
        text = _emptied(text, faults, lambda line: "row.quote" if line.count(b'"') % 2 else None)
    has_empty = text.startswith(b"\n") or b"\n\n" in text
    return SoundLines(text, faults, _empty_numbers(text) if has_empty else frozenset(), sent)


def _decodes(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _emptied(
    text: bytes, faults: dict[int, tuple[str, str]], rule_of: Callable[[bytes], str | None]
) -> bytes:
    lines = text.split(b"\n")
    for place, line in enumerate(lines):
        rule = rule_of(line)
        if rule is not None:
            faults[place + 1] = (rule, line[:400].decode(errors="replace"))
            lines[place] = b""
    return b"\n".join(lines) if faults else text


def _empty_numbers(text: bytes) -> frozenset[int]:
    return frozenset(number for number, line in enumerate(text.split(b"\n"), start=1) if not line)
