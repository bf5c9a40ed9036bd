"""The rule for ids that clients choose: opaque, printable, compared after NFC."""

from __future__ import annotations

import unicodedata
from typing import Final

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

MAX_ID_LENGTH: Final = 128
RESERVED_IDS: Final = frozenset({"batch", "bulk", "history", "recommendation"})

_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})


def id_fault(value: str) -> str | None:
    """Say in one sentence what is wrong with an id, or None when it is good.

    >>> id_fault("oat-milk-1l") is None
    True
    >>> id_fault("")
    'An id has 1 to 128 characters.'
    """
    text = unicodedata.normalize("NFC", value)
    if not 1 <= len(text) <= MAX_ID_LENGTH:
        return f"An id has 1 to {MAX_ID_LENGTH} characters."
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        return "An id has no control characters."
    if text != text.strip():
        return "An id neither begins nor ends with a blank."
    return None


def normal_id(value: str, pointer: str) -> str:
    """Give the NFC form under which an id is stored and looked up.

    Raises: FieldRuleViolated with the pointer unless the id has 1 to 128 printable characters.
    """
    fault = id_fault(value)
    if fault is not None:
        raise FieldRuleViolated(violations=[Violation(pointer, fault, "id.form")])
    return unicodedata.normalize("NFC", value)


def new_id(value: str, pointer: str, reserved: frozenset[str] = RESERVED_IDS) -> str:
    """Give the NFC form of an id that is about to be created.

    Raises: FieldRuleViolated as `normal_id`, and for a word that is reserved by the route table.
    """
    text = normal_id(value, pointer)
    if text in reserved:
        detail = f"{text!r} is a reserved word and cannot be an id."
        raise FieldRuleViolated(violations=[Violation(pointer, detail, "id.reserved")])
    return text
