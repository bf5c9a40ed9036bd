"""Ids that clients choose, judged by the shared rule and named by the catalogue's errors."""

from __future__ import annotations

import unicodedata

from shelfcast_servicekit.errors import Violation
from shelfcast_servicekit.identifier import RESERVED_IDS, id_fault

from shelfcast_data.errors import IdMalformed, IdReserved


def stored_id(value: str, pointer: str) -> str:
    """Give the form under which an id is stored and looked up (NFC).

    Raises: IdMalformed unless it has 1 to 128 printable characters without blanks at its ends.
    """
    fault = id_fault(value)
    if fault is not None:
        raise IdMalformed(violations=[Violation(pointer, fault, "id.form")])
    return unicodedata.normalize("NFC", value)


def created_id(value: str, pointer: str) -> str:
    """Give the form of an id that is about to be created. Raises: IdMalformed, IdReserved."""
    text = stored_id(value, pointer)
    if text in RESERVED_IDS:
        fault = Violation(pointer, f"{text!r} is a word of the interface.", "id.reserved")
        raise IdReserved(violations=[fault], id=text)
    return text
