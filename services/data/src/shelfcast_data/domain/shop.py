"""Shops: places that sell to customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.declared_rule import checked_text, currency, declared_faults, text, weekdays
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import COUNTRY, zone_faults
from shelfcast_data.domain.weekday import Weekday
from shelfcast_data.errors import ShopExists, ShopNotFound


def _country_faults(at: str, code: str) -> list[Violation]:
    if COUNTRY.fullmatch(code):
        return []
    return [Violation(at, "A country code has two capital letters.", "country_code.form")]


@dataclass(frozen=True, slots=True)
class ShopFields:
    """What a client says about a shop."""

    name: Annotated[str, text(300)] = ""
    """Name for people; empty means the id serves as the name."""
    time_zone: Annotated[str, checked_text(zone_faults, "time_zone.known")] = ""
    """IANA time zone of its business dates; empty means UTC."""
    currency_code: Annotated[str | None, currency()] = None
    """ISO 4217 code of its money; None means not known."""
    opening_weekdays: Annotated[tuple[Weekday, ...], weekdays()] = ()
    """Weekdays on which it is open; empty means not known."""
    country_code: Annotated[str | None, checked_text(_country_faults, "country_code.form")] = None
    """ISO 3166-1 code of its country; None means not known."""
    subdivision_code: Annotated[str | None, text(32)] = None
    """Part of the country, as in ISO 3166-2 behind the hyphen."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        faults = declared_faults(at, self)
        if self.country_code is None and self.subdivision_code is not None:
            detail = "A part of a country needs the country."
            faults.append(Violation(f"{at}/country_code", detail, "country_code.required"))
        return faults


SHOP: Final = Kind("shop", ("shop_id",), ShopFields, ShopNotFound, ShopExists, orders=("shop_id",))
