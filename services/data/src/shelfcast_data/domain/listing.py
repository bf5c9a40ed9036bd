"""Lists of entries: which of them, in which order, from where on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

from shelfcast_data.domain.entry import Entry, F, Kind

REVERSE: Final = "-"
SEPARATOR: Final = ","


@dataclass(frozen=True, slots=True)
class Order:
    """By what a list is ordered."""

    name: str
    """Field, time of the stamp, or id."""
    is_descending: bool = False
    """Whether the largest comes first."""
    then: Order | None = None
    """Order of those that agree in it; None: that of their ids, in the same direction."""

    def columns(self, id_name: str) -> tuple[tuple[str, bool], ...]:
        """Give each name and whether the largest comes first, up to the id, behind which none decides.

        >>> Order("name", True).columns("product_id")
        (('name', True), ('product_id', True))
        """
        here = ((self.name, self.is_descending),)
        if self.name == id_name:
            return here
        then = self.then or Order(id_name, self.is_descending)
        return here + then.columns(id_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which entries are listed."""

    equal: Mapping[str, str | None] = field(default_factory=dict)
    """Values that fields must have; None means no value."""
    holding: Mapping[str, str | None] = field(default_factory=dict)
    """Ids that lists of ids must hold; None means that they are empty."""
    below: Mapping[str, str] = field(default_factory=dict)
    """Paths that fields must hold or be below."""
    start: date | None = None
    """First day of the days that an entry must have one of; None means any."""
    end: date | None = None
    """Last day of those."""
    with_deleted: bool = False
    """Whether deleted entries are listed too."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list."""

    limit: int
    """Most entries."""
    order: Order
    """Their order."""
    filters: Filters = field(default_factory=Filters)
    """Which of them."""
    after: tuple[str, ...] = ()
    """Position after which the page begins, as `position` gives it; empty means the beginning."""


def order_of(text: str, known: Sequence[str]) -> Order:
    """Give the order that a text asks for; empty means the first of the known ones.

    Raises: FieldRuleViolated.

    >>> order_of("-name,product_id", ["product_id", "name"])
    Order(name='name', is_descending=True, then=Order(name='product_id', is_descending=False, then=None))
    """
    if not text:
        return Order(known[0])
    parts = text.split(SEPARATOR)
    names = [part.removeprefix(REVERSE) for part in parts]
    if len({*names} & {*known}) < len(parts):
        detail = (
            f"order_by takes {', '.join(known)}, each once, separated by commas, "
            "with - before those whose largest comes first."
        )
        raise FieldRuleViolated(violations=[Violation("/order_by", detail, "order_by.known")])
    order = None
    for name, part in zip(reversed(names), reversed(parts), strict=True):
        order = Order(name, part.startswith(REVERSE), order)
    return order or Order(known[0])


def position(entry: Entry[F], kind: Kind[F], order: Order) -> tuple[str, ...]:
    """Give the place of an entry in an ordered list: what it is ordered by, and its id."""
    return tuple(_text_of(entry, kind, name) for name, _ in order.columns(kind.id_name))


def _text_of(entry: Entry[F], kind: Kind[F], name: str) -> str:
    if name == kind.id_name:
        return entry.entry_id
    value = getattr(entry.stamp if hasattr(entry.stamp, name) else entry.fields, name)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
