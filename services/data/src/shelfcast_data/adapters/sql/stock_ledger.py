"""The stock ledger in SQL, and the levels that follow it within the transaction of each entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from shelfcast_data.adapters.sql.statement import insert_or_change
from shelfcast_data.adapters.sql.stock_schema import LEVELS, LOTS, MOVEMENTS, NO_EXPIRY
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.movement_facts import MovementFacts, MovementKind, StockAccount
from shelfcast_data.domain.stock_level import LotLevel
from shelfcast_data.domain.stock_movement import StockMovement, check_level
from shelfcast_data.errors import StockMovementExists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, Table

    from shelfcast_data.domain.stock_level import MovementQuery

_M, _LEVEL, _LOT = MOVEMENTS.c, LEVELS.c, LOTS.c
_SAID = (
    "counted_quantity",
    "expiry_date",
    "other_shop_id",
    "unit_cost",
    "currency_code",
    "reference",
    "reason",
)
_RECORDED = ("movement_id", "occurred_at", "recorded_at", "counterpart_id", "reverses_id")


class StockRows:
    """The stock ledger of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._tenants = TenantRows(connection)

    def now(self) -> datetime:
        """Give the database's time."""
        return self._connection.execute(select(utc_now())).scalar_one()

    def locked(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """Give the levels of shops and products, which nobody else changes until the commit.

        They are always taken in the same order, so that two writers do not wait for each other.
        """
        tenant_no = self._tenants.ensured(self._tenant)
        return {pair: self._locked(tenant_no, *pair) for pair in sorted(set(pairs))}

    def _locked(self, tenant_no: int, shop_id: str, product_id: str) -> int:
        key = {"tenant_no": tenant_no, "shop_id": shop_id, "product_id": product_id}
        values = {**key, "quantity": 0, "updated_at": utc_now(), "revision": 0}
        self._connection.execute(
            insert_or_change(
                self._connection,
                LEVELS,
                lambda new: new.values(**values),
                lambda _: {"revision": _LEVEL.revision + 1},
            )
        )
        query = select(_LEVEL.quantity).where(*_at(LEVELS, key))
        return int(self._connection.execute(query).scalar_one())

    def lot(self, account: StockAccount) -> LotLevel:
        """Give a lot, or the stock outside lots, whose shop and product are locked; empty if it is new."""
        key = _key(self._tenants.ensured(self._tenant), account)
        return self._lot(account, key) or LotLevel(account, None, 0)

    def _lot(self, account: StockAccount, key: Mapping[str, object]) -> LotLevel | None:
        query = select(_LOT.expiry_date, _LOT.quantity).where(*_at(LOTS, key))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return LotLevel(account, None if row.expiry_date == NO_EXPIRY else row.expiry_date, row.quantity)

    def append(self, movements: Sequence[StockMovement]) -> None:
        """Store movements of shops and products that are locked, and change their levels.

        Raises: StockMovementExists when an id is taken; FieldRuleViolated when a level grows too large.
        """
        tenant_no = self._tenants.ensured(self._tenant)
        try:
            self._connection.execute(insert(MOVEMENTS), [_row(tenant_no, each) for each in movements])
        except IntegrityError as error:
            raise StockMovementExists(movement_id=movements[0].movement_id) from error
        for movement in movements:
            self._follow(tenant_no, movement)

    def _follow(self, tenant_no: int, movement: StockMovement) -> None:
        account = movement.facts.account
        pair = {"tenant_no": tenant_no, "shop_id": account.shop_id, "product_id": account.product_id}
        level = select(_LEVEL.quantity).where(*_at(LEVELS, pair))
        quantity = int(self._connection.execute(level).scalar_one()) + movement.change
        check_level(quantity)
        changed = update(LEVELS).where(*_at(LEVELS, pair))
        self._connection.execute(changed.values(quantity=quantity, updated_at=movement.recorded_at))
        self._change_lot(_key(tenant_no, account), movement)

    def _change_lot(self, key: Mapping[str, object], movement: StockMovement) -> None:
        account = movement.facts.account
        known = self._lot(account, key)
        quantity = movement.change + (0 if known is None else known.quantity)
        check_level(quantity)
        is_open = bool(account.lot_id) and quantity > 0
        values: dict[str, object] = {"quantity": quantity, "is_open": is_open}
        if movement.facts.expiry_date is not None or known is None:
            values["expiry_date"] = movement.facts.expiry_date or NO_EXPIRY
        if known is None:
            self._connection.execute(insert(LOTS).values(**key, **values))
        else:
            self._connection.execute(update(LOTS).where(*_at(LOTS, key)).values(**values))

    def find(self, movement_id: str) -> StockMovement | None:
        """Give a movement; None if the tenant has none of that id."""
        tenant_no = self._tenants.number(self._tenant) or 0
        query = select(MOVEMENTS).where(_M.tenant_no == tenant_no, _M.movement_id == movement_id)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _movement(row)

    def page(
        self, wanted: MovementQuery, limit: int, after: tuple[datetime, int] | None
    ) -> Sequence[StockMovement]:
        """Give up to `limit` movements, newest first, after a time and number."""
        query = select(MOVEMENTS).where(_M.tenant_no == (self._tenants.number(self._tenant) or 0))
        query = query.where(*_wanted(wanted))
        if after is not None:
            same_time = and_(_M.occurred_at == after[0], _M.movement_no < after[1])
            query = query.where(or_(_M.occurred_at < after[0], same_time))
        query = query.order_by(_M.occurred_at.desc(), _M.movement_no.desc()).limit(limit)
        return [_movement(row) for row in self._connection.execute(query).mappings()]


def _wanted(wanted: MovementQuery) -> Sequence[ColumnElement[bool]]:
    ids = [(_M.shop_id, wanted.shop_id), (_M.product_id, wanted.product_id)]
    conditions = [column == value for column, value in ids if value is not None]
    if wanted.kind is not None:
        conditions.append(_M.kind == wanted.kind.value)
    if wanted.start is not None:
        conditions.append(_M.occurred_at >= wanted.start)
    if wanted.end is not None:
        conditions.append(_M.occurred_at <= wanted.end)
    return conditions


def _at(table: Table, key: Mapping[str, object]) -> Sequence[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def _key(tenant_no: int, account: StockAccount) -> Mapping[str, object]:
    return {
        "tenant_no": tenant_no,
        "shop_id": account.shop_id,
        "product_id": account.product_id,
        "lot_id": account.lot_id,
    }


def _row(tenant_no: int, movement: StockMovement) -> dict[str, object]:
    facts = movement.facts
    said = {name: getattr(facts, name) for name in _SAID}
    written = {name: getattr(movement, name) for name in _RECORDED}
    key = _key(tenant_no, facts.account)
    return {**key, **said, **written, "kind": facts.kind.value, "quantity": movement.change}


def _movement(row: RowMapping) -> StockMovement:
    kind = MovementKind(row["kind"])
    account = StockAccount(row["shop_id"], row["product_id"], row["lot_id"])
    quantity = None if kind is MovementKind.COUNT else row["quantity"]
    facts = MovementFacts(kind, account, quantity, **{name: row[name] for name in _SAID})
    written = {name: row[name] for name in _RECORDED}
    return StockMovement(facts=facts, change=row["quantity"], movement_no=row["movement_no"], **written)
