"""How each kind of catalogue entry stands in a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message
from shelfcast.catalog.v1 import (
    category_pb2,
    closure_pb2,
    price_change_pb2,
    product_pb2,
    promotion_pb2,
    shop_pb2,
    supplier_pb2,
    supplier_terms_pb2,
)

from shelfcast_data.domain.category import CategoryFields
from shelfcast_data.domain.closure import ClosureFields
from shelfcast_data.domain.entry import F
from shelfcast_data.domain.price_change import PriceChangeFields
from shelfcast_data.domain.product import ProductFields, ProductStatus
from shelfcast_data.domain.promotion import PromotionFields, PromotionKind
from shelfcast_data.domain.shop import ShopFields
from shelfcast_data.domain.supplier import CostBreak, SupplierFields, TermsFields
from shelfcast_data.entrypoints.grpc.field_value import (
    amount,
    day_text,
    days,
    ids,
    number,
    reference,
    text,
    weekdays,
    whole,
)

M = TypeVar("M", bound=Message)

_STATUSES: tuple[tuple[int, ProductStatus], ...] = (
    (product_pb2.PRODUCT_STATUS_ACTIVE, ProductStatus.ACTIVE),
    (product_pb2.PRODUCT_STATUS_PHASING_OUT, ProductStatus.PHASING_OUT),
    (product_pb2.PRODUCT_STATUS_DISCONTINUED, ProductStatus.DISCONTINUED),
)
_STATUS_OF = dict(_STATUSES)
_STATUS_NUMBER = {status: value for value, status in _STATUSES}
_KINDS: tuple[tuple[int, PromotionKind], ...] = (
    (promotion_pb2.PROMOTION_KIND_PRICE_CUT, PromotionKind.PRICE_CUT),
    (promotion_pb2.PROMOTION_KIND_MULTI_BUY, PromotionKind.MULTI_BUY),
    (promotion_pb2.PROMOTION_KIND_BUNDLE, PromotionKind.BUNDLE),
    (promotion_pb2.PROMOTION_KIND_CLEARANCE, PromotionKind.CLEARANCE),
    (promotion_pb2.PROMOTION_KIND_LOYALTY, PromotionKind.LOYALTY),
)
_KIND_OF = dict(_KINDS)
_KIND_NUMBER = {kind: value for value, kind in _KINDS}


@dataclass(frozen=True, slots=True)
class Form(Generic[F, M]):
    """How the fields of a kind are read from a message and written to one."""

    message: type[M]
    """Type of the message."""
    read: Callable[[M], F]
    """Gives the fields in a message."""
    write: Callable[[F], Mapping[str, object]]
    """Gives the members of a message, by name; None is left out."""


def product_status(value: int) -> ProductStatus | None:
    """Give the status that a list asks for; None for all."""
    return _STATUS_OF.get(value)


def _product(message: product_pb2.Product) -> ProductFields:
    return ProductFields(
        name=message.name,
        sku=text(message, "sku"),
        category=text(message, "category"),
        unit=message.unit,
        price=amount(message, "price"),
        unit_cost=amount(message, "unit_cost"),
        currency_code=text(message, "currency_code"),
        case_pack=amount(message, "case_pack"),
        minimum_order_quantity=amount(message, "minimum_order_quantity"),
        shelf_life_days=whole(message, "shelf_life_days"),
        status=_STATUS_OF.get(message.status, ProductStatus.ACTIVE),
        successor_product_id=reference(message, "successor_product_id"),
        supplier_id=reference(message, "supplier_id"),
    )


def _product_members(fields: ProductFields) -> Mapping[str, object]:
    return {
        "name": fields.name,
        "sku": fields.sku,
        "category": fields.category,
        "unit": fields.unit or "piece",
        "price": number(fields.price),
        "unit_cost": number(fields.unit_cost),
        "currency_code": fields.currency_code,
        "case_pack": number(fields.case_pack),
        "minimum_order_quantity": number(fields.minimum_order_quantity),
        "shelf_life_days": fields.shelf_life_days,
        "status": _STATUS_NUMBER[fields.status],
        "successor_product_id": fields.successor_product_id,
        "supplier_id": fields.supplier_id,
    }


def _shop(message: shop_pb2.Shop) -> ShopFields:
    return ShopFields(
        name=message.name,
        time_zone=message.time_zone,
        currency_code=text(message, "currency_code"),
        opening_weekdays=weekdays(message.opening_weekdays),
        country_code=text(message, "country_code"),
        subdivision_code=text(message, "subdivision_code"),
    )


def _shop_members(fields: ShopFields) -> Mapping[str, object]:
    return {
        "name": fields.name,
        "time_zone": fields.time_zone or "UTC",
        "currency_code": fields.currency_code,
        "opening_weekdays": list(map(int, fields.opening_weekdays)),
        "country_code": fields.country_code,
        "subdivision_code": fields.subdivision_code,
    }


def _supplier(message: supplier_pb2.Supplier) -> SupplierFields:
    return SupplierFields(
        name=message.name,
        contact_email=text(message, "contact_email"),
        lead_time_days=whole(message, "lead_time_days"),
        order_weekdays=weekdays(message.order_weekdays),
        minimum_order_value=amount(message, "minimum_order_value"),
        currency_code=text(message, "currency_code"),
    )


def _supplier_members(fields: SupplierFields) -> Mapping[str, object]:
    return {
        "name": fields.name,
        "contact_email": fields.contact_email,
        "lead_time_days": fields.lead_time_days,
        "order_weekdays": list(map(int, fields.order_weekdays)),
        "minimum_order_value": number(fields.minimum_order_value),
        "currency_code": fields.currency_code,
    }


def _terms(message: supplier_terms_pb2.SupplierTerms) -> TermsFields:
    breaks = []
    for each in message.cost_breaks:
        least, cost = amount(each, "minimum_quantity"), amount(each, "unit_cost")
        if least is not None and cost is not None:  # else the field rules have refused the message
            breaks.append(CostBreak(least, cost))
    return TermsFields(
        supplier_sku=text(message, "supplier_sku"),
        currency_code=text(message, "currency_code"),
        cost_breaks=tuple(breaks),
    )


def _terms_members(fields: TermsFields) -> Mapping[str, object]:
    return {
        "supplier_sku": fields.supplier_sku,
        "currency_code": fields.currency_code,
        "cost_breaks": [
            supplier_terms_pb2.CostBreak(
                minimum_quantity=float(each.minimum_quantity), unit_cost=float(each.unit_cost)
            )
            for each in fields.cost_breaks
        ],
    }


def _category(message: category_pb2.Category) -> CategoryFields:
    return CategoryFields(message.name, reference(message, "parent_category_id"))


def _category_members(fields: CategoryFields) -> Mapping[str, object]:
    return {"name": fields.name, "parent_category_id": fields.parent_category_id, "path": fields.path}


def _price_change(message: price_change_pb2.PriceChange) -> PriceChangeFields:
    span = days(message, "/price_change", "start_date", "end_date")
    return PriceChangeFields(
        product_id=ids([message.product_id])[0],
        shop_id=reference(message, "shop_id"),
        price=amount(message, "price"),
        currency_code=message.currency_code,
        start_date=span["start_date"],
        end_date=span["end_date"],
    )


def _price_change_members(fields: PriceChangeFields) -> Mapping[str, object]:
    return {
        "product_id": fields.product_id,
        "shop_id": fields.shop_id,
        "price": number(fields.price),
        "currency_code": fields.currency_code,
        "start_date": day_text(fields.start_date),
        "end_date": day_text(fields.end_date),
    }


def _promotion(message: promotion_pb2.Promotion) -> PromotionFields:
    span = days(message, "/promotion", "start_date", "end_date")
    return PromotionFields(
        name=message.name,
        kind=_KIND_OF.get(message.kind),
        shop_ids=ids(message.shop_ids),
        product_ids=ids(message.product_ids),
        category_ids=ids(message.category_ids),
        start_date=span["start_date"],
        end_date=span["end_date"],
        discount_pct=amount(message, "discount_pct"),
        promo_price=amount(message, "promo_price"),
        currency_code=text(message, "currency_code"),
    )


def _promotion_members(fields: PromotionFields) -> Mapping[str, object]:
    return {
        "name": fields.name,
        "kind": None if fields.kind is None else _KIND_NUMBER[fields.kind],
        "shop_ids": fields.shop_ids,
        "product_ids": fields.product_ids,
        "category_ids": fields.category_ids,
        "start_date": day_text(fields.start_date),
        "end_date": day_text(fields.end_date),
        "discount_pct": number(fields.discount_pct),
        "promo_price": number(fields.promo_price),
        "currency_code": fields.currency_code,
    }


def _closure(message: closure_pb2.Closure) -> ClosureFields:
    span = days(message, "/closure", "start_date", "end_date")
    return ClosureFields(ids([message.shop_id])[0], span["start_date"], span["end_date"], message.reason)


def _closure_members(fields: ClosureFields) -> Mapping[str, object]:
    return {
        "shop_id": fields.shop_id,
        "start_date": day_text(fields.start_date),
        "end_date": day_text(fields.end_date),
        "reason": fields.reason,
    }


PRODUCT_FORM = Form(product_pb2.Product, _product, _product_members)
SHOP_FORM = Form(shop_pb2.Shop, _shop, _shop_members)
SUPPLIER_FORM = Form(supplier_pb2.Supplier, _supplier, _supplier_members)
TERMS_FORM = Form(supplier_terms_pb2.SupplierTerms, _terms, _terms_members)
CATEGORY_FORM = Form(category_pb2.Category, _category, _category_members)
PRICE_CHANGE_FORM = Form(price_change_pb2.PriceChange, _price_change, _price_change_members)
PROMOTION_FORM = Form(promotion_pb2.Promotion, _promotion, _promotion_members)
CLOSURE_FORM = Form(closure_pb2.Closure, _closure, _closure_members)
