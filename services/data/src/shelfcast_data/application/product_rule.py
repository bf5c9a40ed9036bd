"""What stored data has to say about products and about what names them."""

from __future__ import annotations

from collections.abc import Iterator

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

from shelfcast_data.application.catalogue_rule import Proposal, Reference, Rules, check_references
from shelfcast_data.domain.category import CATEGORY
from shelfcast_data.domain.closure import ClosureFields
from shelfcast_data.domain.entry import Entry, F, Kind
from shelfcast_data.domain.listing import Filters, Listing, Order
from shelfcast_data.domain.price_change import PRICE_CHANGE
from shelfcast_data.domain.product import PRODUCT, ProductFields
from shelfcast_data.domain.promotion import PROMOTION, PromotionFields
from shelfcast_data.domain.shop import SHOP
from shelfcast_data.domain.stock_level import MovementQuery
from shelfcast_data.domain.supplier import SUPPLIER, TERMS, TermsFields
from shelfcast_data.errors import ProductInUse
from shelfcast_data.ports.store import Tx


def product_references(fields: ProductFields) -> Iterator[Reference]:
    """Give the entries that a product names."""
    if fields.supplier_id is not None:
        yield Reference("/supplier_id", SUPPLIER, fields.supplier_id)
    if fields.successor_product_id is not None:
        yield Reference("/successor_product_id", PRODUCT, fields.successor_product_id)


def own_successor_faults(at: str, product_id: str, fields: ProductFields) -> list[Violation]:
    """Give the fault of a product that is to take its own place."""
    if fields.successor_product_id != product_id:
        return []
    detail = "A product does not take its own place."
    return [Violation(f"{at}/successor_product_id", detail, "successor_product_id.other")]


def admit_product(proposal: Proposal[ProductFields]) -> ProductFields:
    """Give the fields of a product. Raises: FieldRuleViolated where it names itself or what is not there."""
    faults = own_successor_faults("/product", proposal.key[-1], proposal.fields)
    if faults:
        raise FieldRuleViolated(violations=faults)
    check_references(proposal, "/product", product_references)
    return proposal.fields


def free_product(tx: Tx, tenant: str, product: Entry[ProductFields]) -> None:
    """Raise ProductInUse while anything names a product."""
    product_id = product.entry_id
    users = ["sales"] if tx.sales(tenant).any_of(product_id) else []
    users += ["stock movements"] if _has_moved(tx, tenant, product_id) else []
    users += ["other products"] if _is_named(tx, tenant, PRODUCT, "successor_product_id", product_id) else []
    users += ["supplier terms"] if _is_named(tx, tenant, TERMS, "product_id", product_id) else []
    users += ["price changes"] if _is_named(tx, tenant, PRICE_CHANGE, "product_id", product_id) else []
    users += ["promotions"] if _is_promoted(tx, tenant, product_id) else []
    if users:
        raise ProductInUse(product_id=product_id, used_by=", ".join(users))


def _has_moved(tx: Tx, tenant: str, product_id: str) -> bool:
    return bool(tx.stock(tenant).page(MovementQuery(product_id=product_id), 1, None))


def _is_named(tx: Tx, tenant: str, kind: Kind[F], field: str, product_id: str) -> bool:
    filters = Filters(equal={field: product_id}, with_deleted=True)
    return bool(tx.entries(kind, tenant).page(Listing(1, Order(kind.id_name), filters)))


def _is_promoted(tx: Tx, tenant: str, product_id: str) -> bool:
    filters = Filters(holding={"product_ids": product_id}, with_deleted=True)
    return bool(tx.entries(PROMOTION, tenant).page(Listing(1, Order(PROMOTION.id_name), filters)))


def admit_terms(proposal: Proposal[TermsFields]) -> TermsFields:
    """Give the terms of a supplier. Raises: FieldRuleViolated, SupplierNotFound."""
    supplier_id, product_id = proposal.key
    proposal.tx.entries(SUPPLIER, proposal.tenant).get((supplier_id,))
    if proposal.known is None:
        check_references(proposal, "/terms", lambda _: [Reference("/product_id", PRODUCT, product_id)])
    return proposal.fields


def promotion_references(fields: PromotionFields) -> Iterator[Reference]:
    """Give the entries that a promotion names."""
    for name, kind in (("shop_ids", SHOP), ("product_ids", PRODUCT), ("category_ids", CATEGORY)):
        for place, each in enumerate(getattr(fields, name)):
            yield Reference(f"/{name}/{place}", kind, each)


def admit_promotion(proposal: Proposal[PromotionFields]) -> PromotionFields:
    """Give the fields of a promotion. Raises: FieldRuleViolated where it names what is not there."""
    check_references(proposal, "/promotion", promotion_references)
    return proposal.fields


def admit_closure(proposal: Proposal[ClosureFields]) -> ClosureFields:
    """Give the fields of a closure. Raises: FieldRuleViolated where its shop is not there."""
    check_references(proposal, "/closure", lambda each: [Reference("/shop_id", SHOP, each.shop_id)])
    return proposal.fields


PRODUCT_RULES: Rules[ProductFields] = Rules(admit_product, free=free_product)
TERMS_RULES: Rules[TermsFields] = Rules(admit_terms)
PROMOTION_RULES: Rules[PromotionFields] = Rules(admit_promotion)
CLOSURE_RULES: Rules[ClosureFields] = Rules(admit_closure)
