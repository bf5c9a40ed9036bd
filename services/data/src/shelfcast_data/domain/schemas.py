"""The declared schemas of all kinds of records."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shelfcast_data.domain.category import CATEGORY
from shelfcast_data.domain.closure import CLOSURE
from shelfcast_data.domain.declared_rule import EntrySchema
from shelfcast_data.domain.declared_schema import Schema
from shelfcast_data.domain.price_change import PRICE_CHANGE
from shelfcast_data.domain.product import PRODUCT
from shelfcast_data.domain.promotion import PROMOTION
from shelfcast_data.domain.sales_field import SALES
from shelfcast_data.domain.shop import SHOP
from shelfcast_data.domain.stock_count import STOCK_COUNTS
from shelfcast_data.domain.supplier import SUPPLIER, TERMS
from shelfcast_data.errors import SchemaNotFound

_SPAN: Final = "end_date.order"
_ENTRIES: Final = (
    EntrySchema(PRODUCT, "products", 1, "What the retailer sells."),
    EntrySchema(SHOP, "shops", 1, "A place that sells to customers.", ("country_code.required",)),
    EntrySchema(CATEGORY, "categories", 1, "A group of products, part of a tree."),
    EntrySchema(SUPPLIER, "suppliers", 1, "Who products are ordered from.", ("currency.required",)),
    EntrySchema(TERMS, "supplier_terms", 1, "What a supplier asks for a product.", ("currency.required",)),
    EntrySchema(PRICE_CHANGE, "price_changes", 1, "What a product costs over some days.", (_SPAN,)),
    EntrySchema(
        PROMOTION,
        "promotions",
        1,
        "What is offered where, when and how much cheaper.",
        (_SPAN, "currency.required", "discount_pct.either", "product_ids.required"),
    ),
    EntrySchema(CLOSURE, "closures", 1, "Days on which a shop is closed.", (_SPAN,)),
)
"""Raise a version when an entry may be judged differently."""


def _all() -> list[Schema]:
    known = [SALES, STOCK_COUNTS, *(each.schema() for each in _ENTRIES)]
    return sorted(known, key=lambda schema: schema.kind)


SCHEMAS: Final[Mapping[str, Schema]] = MappingProxyType({each.kind: each for each in _all()})
"""Each schema by its kind, in the order of their names."""


def schema_of(kind: str) -> Schema:
    """Give the schema of a kind of record. Raises: SchemaNotFound.

    >>> schema_of("sales").field("quantity").is_required
    True
    """
    if kind not in SCHEMAS:
        raise SchemaNotFound(kind=kind[:64], kinds=", ".join(SCHEMAS))
    return SCHEMAS[kind]
