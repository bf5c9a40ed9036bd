"""Products: what the retailer sells."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.declared_rule import (
    amount,
    currency,
    days,
    declared_faults,
    positive,
    reference,
    text,
    word,
)
from shelfcast_data.domain.entry import Kind
from shelfcast_data.errors import ProductExists, ProductNotFound

LONGEST_SHELF_LIFE_DAYS: Final = 36_500


class ProductStatus(StrEnum):
    """Where a product stands in its life."""

    ACTIVE = "active"
    PHASING_OUT = "phasing_out"
    DISCONTINUED = "discontinued"


@dataclass(frozen=True, slots=True)
class ProductFields:
    """What a client says about a product."""

    name: Annotated[str, text(300)] = ""
    """Name for people; empty means the id serves as the name."""
    sku: Annotated[str | None, text(128)] = None
    """Stock-keeping code of the retailer."""
    category: Annotated[str | None, text(300)] = None
    """Category path, for instance `dairy/milk`."""
    unit: Annotated[str, text(32)] = ""
    """Unit of its quantities; empty means `piece`."""
    price: Annotated[Decimal | None, amount("money a unit")] = None
    """List price a unit."""
    unit_cost: Annotated[Decimal | None, amount("money a unit")] = None
    """Cost a unit."""
    currency_code: Annotated[str | None, currency()] = None
    """ISO 4217 code of the money fields."""
    case_pack: Annotated[Decimal | None, positive("units")] = None
    """Units in one case, above 0; None means that single units are ordered."""
    minimum_order_quantity: Annotated[Decimal | None, positive("units")] = None
    """Least quantity of one order, above 0; None means no minimum."""
    shelf_life_days: Annotated[int | None, days(LONGEST_SHELF_LIFE_DAYS)] = None
    """Days from receipt to expiry; None means that it does not expire, or is not known."""
    status: Annotated[ProductStatus, word(ProductStatus)] = ProductStatus.ACTIVE
    """Where it stands in its life."""
    successor_product_id: Annotated[str | None, reference()] = None
    """Product that takes its place."""
    supplier_id: Annotated[str | None, reference()] = None
    """Supplier that it is usually ordered from."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return declared_faults(at, self)


PRODUCT: Final = Kind(
    "product",
    ("product_id",),
    ProductFields,
    ProductNotFound,
    ProductExists,
    orders=("product_id", "name", "created_at", "updated_at"),
)
