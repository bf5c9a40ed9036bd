"""How much text of a span or log record is kept; senders are not trusted to be brief."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME_CHARACTERS: Final = 255
SERVICE_CHARACTERS: Final = 128
MESSAGE_CHARACTERS: Final = 1024
BODY_CHARACTERS: Final = 8192
KEY_CHARACTERS: Final = 128
VALUE_CHARACTERS: Final = 4096
ATTRIBUTE_COUNT: Final = 64
ATTRIBUTE_TEXT_CHARACTERS: Final = 16_384
LINK_COUNT: Final = 32

CUT_MARK: Final = "…"
LEFT_OUT: Final = "shelfcast.attributes_left_out"
"""Attribute that says how many attributes were left out."""


def cut(text: str, characters: int) -> str:
    """Give at most that many characters of a text; a cut text ends in an ellipsis.

    >>> cut("oat-milk-1l", 5)
    'oat-…'
    """
    return text if len(text) <= characters else text[: characters - 1] + CUT_MARK


def cut_attributes(pairs: Iterable[tuple[str, str]], total: int) -> dict[str, str]:
    """Give what is kept of `total` attributes, and say how many were left out.

    Bounds: 64 attributes, 128 characters a key, 4,096 a value, 16,384 together. `pairs` is read only
    as far as attributes are kept.
    """
    kept: dict[str, str] = {}
    read, room = 0, ATTRIBUTE_TEXT_CHARACTERS
    for raw_key, raw_value in islice(pairs, ATTRIBUTE_COUNT):
        key, value = cut(raw_key, KEY_CHARACTERS), cut(raw_value, VALUE_CHARACTERS)
        room -= len(key) + len(value)
        if room < 0:
            break
        read += 1
        kept[key] = value
    if read < total:
        kept[LEFT_OUT] = str(total - read)
    return kept
