"""Values of fields, out of messages and back."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from google.protobuf import timestamp_pb2
from shelfcast_servicekit.errors import DateMalformed, Violation

from shelfcast_data.domain.calendar import date_fault, date_of
from shelfcast_data.domain.decimal_text import float_fault, from_float
from shelfcast_data.domain.weekday import Weekday

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 86_400


def timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Give an instant with a time zone as a message; None stays None."""
    if instant is None:
        return None
    since = instant - _EPOCH  # FromDatetime goes by the calendar, which takes several times as long
    seconds = since.days * _DAY_SECONDS + since.seconds
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=1000 * since.microseconds)


def text(message: Message, name: str) -> str | None:
    """Give an optional text."""
    return getattr(message, name) if message.HasField(name) else None


def whole(message: Message, name: str) -> int | None:
    """Give an optional whole number."""
    return getattr(message, name) if message.HasField(name) else None


def amount(message: Message, name: str) -> Decimal | None:
    """Give an optional number; one that the store cannot hold is left as it is, for the domain to refuse."""
    if not message.HasField(name):
        return None
    value: float = getattr(message, name)
    return Decimal(repr(value)) if float_fault(value) else from_float(value)


def reference(message: Message, name: str) -> str | None:
    """Give an optional id in the form in which ids are stored; an empty one is none."""
    value = text(message, name)
    return unicodedata.normalize("NFC", value) if value else None


def ids(values: Iterable[str]) -> tuple[str, ...]:
    """Give ids in the form in which ids are stored."""
    return tuple(unicodedata.normalize("NFC", each) for each in values)


def weekdays(values: Iterable[int]) -> tuple[Weekday, ...]:
    """Give days of the week in their order; the proto numbers them as ISO 8601 does."""
    return tuple(sorted(map(Weekday, values)))


def number(value: Decimal | None) -> float | None:
    """Give a decimal as a message holds it."""
    return None if value is None else float(value)


def day_text(day: date | None) -> str | None:
    """Give a date as a message holds it."""
    return None if day is None else day.isoformat()


def days(message: Message, at: str, *names: str) -> dict[str, date | None]:
    """Give the business dates in some fields; an empty one is None. Raises: DateMalformed, all named."""
    texts = {name: str(getattr(message, name)) for name in names}
    wrong = {name: each for name, each in texts.items() if each and date_fault(each.removesuffix("Z"))}
    if wrong:
        faults = [
            Violation(
                f"{at}/{name}", f"{each[:40]!r} is not a calendar date; write it as YYYY-MM-DD.", "date"
            )
            for name, each in wrong.items()
        ]
        raise DateMalformed(violations=faults, value=next(iter(wrong.values()))[:40])
    return {name: date_of(each) if each else None for name, each in texts.items()}
