"""What stored prices have to say about a price change."""

from __future__ import annotations

from collections.abc import Iterator

from shelfcast_data.application.catalogue_rule import Proposal, Reference, Rules, check_references
from shelfcast_data.domain.listing import Filters, Listing, Order
from shelfcast_data.domain.price_change import PRICE_CHANGE, PriceChangeFields
from shelfcast_data.domain.product import PRODUCT
from shelfcast_data.domain.shop import SHOP
from shelfcast_data.errors import PriceChangeOverlaps

UNTIL_FURTHER_NOTICE = "further notice"


def admit_price_change(proposal: Proposal[PriceChangeFields]) -> PriceChangeFields:
    """Give the fields of a price change. Raises: FieldRuleViolated, PriceChangeOverlaps naming the first."""
    check_references(proposal, "/price_change", _references)
    fields = proposal.fields
    filters = Filters(
        equal={"product_id": fields.product_id, "shop_id": fields.shop_id},
        start=fields.start_date,
        end=fields.end_date,
    )
    listing = Listing(2, Order("start_date"), filters)
    for each in proposal.tx.entries(PRICE_CHANGE, proposal.tenant).page(listing):
        if each.key != proposal.key:
            raise PriceChangeOverlaps(
                price_change_id=each.entry_id,
                start_date=str(each.fields.start_date),
                end_date=_last_day(each.fields),
            )
    return fields


PRICE_RULES: Rules[PriceChangeFields] = Rules(admit_price_change)


def _references(fields: PriceChangeFields) -> Iterator[Reference]:
    yield Reference("/product_id", PRODUCT, fields.product_id)
    if fields.shop_id is not None:
        yield Reference("/shop_id", SHOP, fields.shop_id)


def _last_day(fields: PriceChangeFields) -> str:
    return UNTIL_FURTHER_NOTICE if fields.end_date is None else str(fields.end_date)
