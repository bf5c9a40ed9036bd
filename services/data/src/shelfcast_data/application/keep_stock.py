"""Record stock movements, take them back, and read the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

from shelfcast_data.domain.catalogue_entry import length_fault, raise_if_any
from shelfcast_data.domain.event import stock_moved
from shelfcast_data.domain.identifier import stored_id
from shelfcast_data.domain.movement_facts import MovementFacts, StockAccount
from shelfcast_data.domain.product import PRODUCT
from shelfcast_data.domain.shop import SHOP
from shelfcast_data.domain.stock_level import MovementQuery
from shelfcast_data.domain.stock_movement import (
    NewMovement,
    StockMovement,
    movement_id_of,
    recorded,
    reversal,
    reversal_id,
)
from shelfcast_data.errors import StockMovementExists, StockMovementNotFound
from shelfcast_data.ports.store import Store, Tx


@dataclass(frozen=True, slots=True)
class StockLedger:
    """The stock movements of each tenant."""

    store: Store

    async def record(self, tenant: str, new: NewMovement) -> StockMovement:
        """Record a movement; the same one a second time changes nothing.

        Raises: FieldRuleViolated, IdMalformed, ShopNotFound, ProductNotFound, StockInsufficient,
        StockMovementExists when another movement has the id.
        """
        movement_id = movement_id_of(new.movement_id)
        if movement_id is None:
            fault = Violation("/movement/movement_id", "The id of a movement is a UUID.", "movement_id.uuid")
            raise FieldRuleViolated(violations=[fault])
        new = replace(new, movement_id=movement_id, facts=_normal(new.facts).checked())
        return await self.store.transact(lambda tx: _record(tx, tenant, new))

    async def get(self, tenant: str, movement_id: str) -> StockMovement:
        """Give a movement. Raises: StockMovementNotFound."""
        return await self.store.read(lambda tx: _known(tx, tenant, movement_id))

    async def page(
        self, tenant: str, wanted: MovementQuery, limit: int, after: tuple[datetime, int] | None
    ) -> Sequence[StockMovement]:
        """Give up to `limit` movements, newest first. Raises: RangeReversed."""
        wanted = wanted.checked()
        return await self.store.read(lambda tx: tx.stock(tenant).page(wanted, limit, after))

    async def reverse(self, tenant: str, movement_id: str, reason: str) -> StockMovement:
        """Take a movement back, a transfer in both shops; a second time gives the first reversal.

        Raises: StockMovementNotFound, StockMovementIrreversible, FieldRuleViolated.
        """
        raise_if_any(length_fault("/reason", reason, 300))
        return await self.store.transact(lambda tx: _reverse(tx, tenant, movement_id, reason))


def _normal(facts: MovementFacts) -> MovementFacts:
    """Give the facts with ids as they are stored; a lot that is known by its date is named by it."""
    account = facts.account
    lot_id = account.lot_id or ("" if facts.expiry_date is None else facts.expiry_date.isoformat())
    ids = StockAccount(
        stored_id(account.shop_id, "/movement/shop_id"),
        stored_id(account.product_id, "/movement/product_id"),
        stored_id(lot_id, "/movement/lot_id") if lot_id else "",
    )
    other = facts.other_shop_id
    other = None if other is None else stored_id(other, "/movement/other_shop_id")
    return replace(facts, account=ids, other_shop_id=other)


def _record(tx: Tx, tenant: str, new: NewMovement) -> StockMovement:
    for shop_id, _ in new.pairs:
        tx.entries(SHOP, tenant).get((shop_id,))
    account = new.facts.account
    tx.entries(PRODUCT, tenant).shared((account.product_id,))  # else it could be removed for good meanwhile
    stock = tx.stock(tenant)
    levels = stock.locked(new.pairs)
    known = stock.find(new.movement_id)
    if known is not None:
        if not new.is_told_by(known):
            raise StockMovementExists(movement_id=new.movement_id)
        return known
    level = levels[account.shop_id, account.product_id]
    return _appended(tx, tenant, recorded(new, level, stock.lot(account), stock.now()))


def _reverse(tx: Tx, tenant: str, movement_id: str, reason: str) -> StockMovement:
    stock = tx.stock(tenant)
    known = _known(tx, tenant, movement_id)
    halves = [known] if known.counterpart_id is None else [known, _known(tx, tenant, known.counterpart_id)]
    accounts = [each.facts.account for each in halves]
    stock.locked([(each.shop_id, each.product_id) for each in accounts])
    done = stock.find(reversal_id(known.movement_id))
    if done is not None:
        return done
    now = stock.now()
    return _appended(tx, tenant, [reversal(each, reason, now) for each in halves])


def _appended(tx: Tx, tenant: str, entries: Sequence[StockMovement]) -> StockMovement:
    tx.stock(tenant).append(entries)
    for each in entries:
        tx.tell(tenant, stock_moved(each))
    return entries[0]


def _known(tx: Tx, tenant: str, movement_id: str) -> StockMovement:
    normal = movement_id_of(movement_id)
    found = None if normal is None else tx.stock(tenant).find(normal)
    if found is None:
        raise StockMovementNotFound(movement_id=movement_id[:64])
    return found
