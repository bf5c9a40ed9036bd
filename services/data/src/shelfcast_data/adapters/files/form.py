"""The forms in which rows may come: told by the first bytes, never by a name or a media type."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
PARQUET: Final = b"PAR1"
TELLING_BYTES: Final = 256
"""So many of the first bytes tell the form."""

_RECORDS: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:["}]|\Z)')
_ARRAY: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?:[{\]]|\Z)")


class Form(Enum):
    """What a file, or what is compressed in it, is."""

    DELIMITED = "delimited text"
    RECORDS = "NDJSON"
    ARRAY = "JSON"
    PARQUET = "Parquet"
    GZIP = "gzip"
    ZIP = "zip"


def form_of(begin: bytes) -> Form:
    """Tell the form by the first bytes; what is nothing else is delimited text.

    >>> form_of(b'{"date": "2026-01-01"}').value, form_of(b"date,quantity").value
    ('NDJSON', 'delimited text')
    """
    for magic, form in ((GZIP, Form.GZIP), (ZIP, Form.ZIP), (PARQUET, Form.PARQUET)):
        if begin.startswith(magic):
            return form
    if _RECORDS.match(begin):
        return Form.RECORDS
    return Form.ARRAY if _ARRAY.match(begin) else Form.DELIMITED
