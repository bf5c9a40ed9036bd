"""High-water marks: up to where the rows of a table have been read, kept as text and read again exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias, TypeGuard

DAY_SECONDS: Final = 86_400

Mark: TypeAlias = int | float | Decimal | datetime | date | str

_READERS: Final[Mapping[str, Callable[[str], Mark]]] = MappingProxyType(
    {
        "int": int,
        "float": float,
        "Decimal": Decimal,
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "str": str,
    }
)


def is_mark(value: object) -> TypeGuard[Mark]:
    """Say whether a value of a column can be a mark.

    >>> is_mark(3), is_mark(b"3"), is_mark(True)
    (True, False, False)
    """
    return type(value).__name__ in _READERS


def mark_text(mark: Mark) -> str:
    """Give a mark as it is kept.

    >>> mark_text(datetime(2026, 1, 2, 3, 4)), mark_text(7)
    ('datetime:2026-01-02T03:04:00', 'int:7')
    """
    text = mark.isoformat() if isinstance(mark, date) else str(mark)
    return f"{type(mark).__name__}:{text}"


def mark_of(text: str) -> Mark:
    """Give a mark that was kept.

    >>> mark_of("Decimal:1.50")
    Decimal('1.50')
    """
    kind, _, value = text.partition(":")
    return _READERS[kind](value)


def shown_mark(text: str) -> str:
    """Give a kept mark for people.

    >>> shown_mark("str:2026-01:a")
    '2026-01:a'
    """
    return text.partition(":")[2]


def less_overlap(mark: Mark, overlap: float) -> Mark:
    """Give where a run begins: so far before a mark, in seconds for a time, in whole days for a date.

    >>> less_overlap(10, 3), less_overlap("b", 3), less_overlap(date(2026, 1, 3), 86400)
    (7, 'b', datetime.date(2026, 1, 2))
    """
    if not overlap or isinstance(mark, str):
        return mark
    if isinstance(mark, datetime):
        return mark - timedelta(seconds=overlap)
    if isinstance(mark, date):
        return mark - timedelta(days=math.ceil(overlap / DAY_SECONDS))
    if isinstance(mark, Decimal):
        return mark - Decimal(overlap)
    return mark - math.ceil(overlap) if isinstance(mark, int) else mark - overlap
