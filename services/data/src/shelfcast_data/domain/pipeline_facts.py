"""What the catalogue tells the steps of a pipeline; kept with the import, so that it stays what it was."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo


class Need(Enum):
    """What of the catalogue a step asks for."""

    SHOPS = "shops"
    CASE_PACKS = "case_packs"


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What the catalogue knows of a shop."""

    time_zone: str = ""
    """IANA time zone; empty means not stated."""
    opening_weekdays: tuple[int, ...] = ()
    """ISO numbers of the weekdays on which it is open; empty means not known."""
    closures: tuple[tuple[date, date], ...] = ()
    """First and last day of each closure."""

    def is_closed(self, day: date) -> bool:
        """Say whether the shop is known to be closed on a day."""
        if self.opening_weekdays and day.isoweekday() not in self.opening_weekdays:
            return True
        return any(first <= day <= last for first, last in self.closures)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the steps of one import are told."""

    shops: Mapping[str, ShopFacts] = field(default_factory=dict)
    """What is known of each shop."""
    case_packs: Mapping[str, Decimal] = field(default_factory=dict)
    """Units in a case, of the products that have one."""
    shop_id: str = ""
    """Shop of all rows; empty where a column tells it."""

    def shop(self, text: str) -> ShopFacts:
        """Give what is known of the shop that a cell names."""
        return self.shops.get(unicodedata.normalize("NFC", text), _UNKNOWN)

    def zone(self, text: str, default: str) -> ZoneInfo:
        """Give the time zone of a shop: as the catalogue says, else the default, else UTC."""
        return ZoneInfo(self.shop(text).time_zone or default or "UTC")

    def case_pack(self, text: str) -> Decimal | None:
        """Give the units in a case of the product that a cell names; None if it is not known."""
        return self.case_packs.get(unicodedata.normalize("NFC", text))

    def to_text(self) -> str:
        """Give the facts as they are kept; equal facts have equal texts."""
        shops = {
            shop_id: [
                shop.time_zone,
                list(shop.opening_weekdays),
                [[first.isoformat(), last.isoformat()] for first, last in shop.closures],
            ]
            for shop_id, shop in self.shops.items()
        }
        packs = {product_id: str(pack.normalize()) for product_id, pack in self.case_packs.items()}
        values = {"shops": shops, "case_packs": packs, "shop_id": self.shop_id}
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the text, lower-case hex."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()


_UNKNOWN = ShopFacts()


def facts_of(text: str) -> Facts:
    """Give the facts that a text keeps.

    >>> facts_of(Facts(shop_id="mitte").to_text()).shop_id
    'mitte'
    """
    values = json.loads(text)
    shops: Mapping[str, Sequence[Any]] = values["shops"]
    return Facts(
        {
            shop_id: ShopFacts(
                zone,
                tuple(weekdays),
                tuple((date.fromisoformat(first), date.fromisoformat(last)) for first, last in closures),
            )
            for shop_id, (zone, weekdays, closures) in shops.items()
        },
        {product_id: Decimal(pack) for product_id, pack in values["case_packs"].items()},
        values["shop_id"],
    )
