"""Count sheets in SQL: staged in a temporary table, then taken by a handful of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shelfcast_servicekit.jobs.table import exact_text
from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import (
    Column,
    Date,
    Integer,
    MetaData,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
)

from shelfcast_data.adapters.sql.catalogue_schema import PRODUCTS, SHOPS
from shelfcast_data.adapters.sql.column_type import Millionths
from shelfcast_data.adapters.sql.statement import insert_or_change
from shelfcast_data.adapters.sql.stock_schema import LEVELS, LOTS, MOVEMENTS, NO_EXPIRY
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.movement_facts import MovementKind
from shelfcast_data.domain.stock_count import unknown_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from shelfcast_data.domain.rejection import Rejection
    from shelfcast_data.domain.stock_count import CountNote, StockCount

STAGED = Table(
    "staged_counts",
    MetaData(),
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    Column("movement_id", exact_text(36), nullable=False),
    Column("shop_id", exact_text(128), nullable=False),
    Column("product_id", exact_text(128), nullable=False),
    Column("lot_id", exact_text(128), nullable=False),
    Column("expiry_date", Date),
    Column("counted", Millionths, nullable=False),
    prefixes=["TEMPORARY"],
)
_AT_ONCE = 500
_S, _LOT, _LEVEL, _M = STAGED.c, LOTS.c, LEVELS.c, MOVEMENTS.c


class StockCountRows:
    """The count sheet of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._tenant_no = TenantRows(connection).ensured(tenant)

    def stage(self, counts: Sequence[StockCount]) -> Sequence[Rejection]:
        """Take the rows of a sheet in; give those that were refused because of their shop or product."""
        self._drop()
        STAGED.create(self._connection, checkfirst=False)
        self._connection.execute(insert(STAGED), [_staged(each) for each in counts])
        self._hold_products({each.account.product_id for each in counts})
        refused = [*self._unknown(SHOPS, "shop_id"), *self._unknown(PRODUCTS, "product_id")]
        if refused:
            self._connection.execute(
                delete(STAGED).where(
                    or_(~self._is_known(SHOPS, "shop_id"), ~self._is_known(PRODUCTS, "product_id"))
                )
            )
        return refused

    def _drop(self) -> None:
        is_sqlite = self._connection.dialect.name == "sqlite"
        table = "TABLE IF EXISTS temp." if is_sqlite else "TEMPORARY TABLE IF EXISTS "
        self._connection.execute(text(f"DROP {table}{STAGED.name}"))

    def _hold_products(self, product_ids: Collection[str]) -> None:
        """Let nobody remove any of the products before the commit."""
        ordered = sorted(product_ids)
        for start in range(0, len(ordered), _AT_ONCE):
            named = PRODUCTS.c.product_id.in_(ordered[start : start + _AT_ONCE])
            query = select(PRODUCTS.c.product_id).where(PRODUCTS.c.tenant == self._tenant, named)
            self._connection.execute(query.with_for_update(read=True)).all()

    def _is_known(self, table: Table, name: str) -> ColumnElement[bool]:
        mine = select(table.c.tenant).where(table.c.tenant == self._tenant, table.c[name] == _S[name])
        return mine.correlate(STAGED).exists()

    def _unknown(self, table: Table, name: str) -> Sequence[Rejection]:
        query = select(_S.row_no, _S[name]).where(~self._is_known(table, name))
        return [unknown_id(row_no, name, value) for row_no, value in self._connection.execute(query)]

    def record(self, note: CountNote) -> int:
        """Make a movement of each staged row that says something new, and set the levels; give how many."""
        self._lock()
        now = self._connection.execute(select(utc_now())).scalar_one()
        made = self._append(note, now)
        self._set_lots()
        self._add_up(now)
        self._drop()
        return made

    def _lock(self) -> None:
        """Take the locks of all shops and products in their order, as single movements do."""
        pairs = select(
            literal(self._tenant_no), _S.shop_id, _S.product_id, literal(0, Millionths), utc_now(), literal(0)
        )
        pairs = pairs.where(true()).distinct().order_by(_S.shop_id, _S.product_id)
        names = ["tenant_no", "shop_id", "product_id", "quantity", "updated_at", "revision"]
        self._connection.execute(
            insert_or_change(
                self._connection,
                LEVELS,
                lambda new: new.from_select(names, pairs),
                lambda _: {"revision": _LEVEL.revision + 1},
            )
        )

    def _append(self, note: CountNote, now: datetime) -> int:
        values: dict[str, ColumnElement[Any]] = {
            "tenant_no": literal(self._tenant_no),
            "movement_id": _S.movement_id,
            "kind": literal(MovementKind.COUNT.value),
            "shop_id": _S.shop_id,
            "product_id": _S.product_id,
            "lot_id": _S.lot_id,
            "expiry_date": _S.expiry_date,
            "quantity": _S.counted - func.coalesce(_LOT.quantity, literal(0, Millionths)),
            "counted_quantity": _S.counted,
            "occurred_at": literal(now, _M.occurred_at.type),
            "recorded_at": literal(now, _M.recorded_at.type),
            "reference": literal(note.reference),
            "reason": literal(note.reason),
        }
        source = STAGED.outerjoin(LOTS, self._same_account())
        new = select(*values.values()).select_from(source)
        new = new.where(or_(_LOT.quantity.is_(None), _LOT.quantity != _S.counted)).order_by(_S.row_no)
        return self._connection.execute(insert(MOVEMENTS).from_select(list(values), new)).rowcount

    def _same_account(self) -> ColumnElement[bool]:
        return and_(
            _LOT.tenant_no == self._tenant_no,
            _LOT.shop_id == _S.shop_id,
            _LOT.product_id == _S.product_id,
            _LOT.lot_id == _S.lot_id,
        )

    def _set_lots(self) -> None:
        values: dict[str, ColumnElement[Any]] = {
            "tenant_no": literal(self._tenant_no),
            "shop_id": _S.shop_id,
            "product_id": _S.product_id,
            "lot_id": _S.lot_id,
            "expiry_date": func.coalesce(_S.expiry_date, literal(NO_EXPIRY)),
            "quantity": _S.counted,
            "is_open": case((and_(_S.lot_id != "", _S.counted > 0), 1), else_=0),
        }
        counted = select(*values.values()).where(true()).order_by(_S.shop_id, _S.product_id, _S.lot_id)
        self._connection.execute(
            insert_or_change(
                self._connection,
                LOTS,
                lambda new: new.from_select(list(values), counted),
                lambda offered: {
                    "expiry_date": case(
                        (offered.expiry_date == NO_EXPIRY, _LOT.expiry_date), else_=offered.expiry_date
                    ),
                    "quantity": offered.quantity,
                    "is_open": offered.is_open,
                },
            )
        )

    def _add_up(self, now: datetime) -> None:
        """Add to each level what the new movements change."""
        made = STAGED.join(MOVEMENTS, and_(_M.tenant_no == self._tenant_no, _M.movement_id == _S.movement_id))
        changes = select(
            literal(self._tenant_no),
            _S.shop_id,
            _S.product_id,
            func.sum(_M.quantity),
            literal(now, _M.recorded_at.type),
            literal(0),
        )
        changes = changes.select_from(made).where(true()).group_by(_S.shop_id, _S.product_id)
        names = ["tenant_no", "shop_id", "product_id", "quantity", "updated_at", "revision"]
        self._connection.execute(
            insert_or_change(
                self._connection,
                LEVELS,
                lambda new: new.from_select(names, changes),
                lambda offered: {
                    "quantity": _LEVEL.quantity + offered.quantity,
                    "updated_at": offered.updated_at,
                },
            )
        )


def _staged(count: StockCount) -> dict[str, object]:
    return {
        "row_no": count.row,
        "movement_id": count.movement_id,
        "shop_id": count.account.shop_id,
        "product_id": count.account.product_id,
        "lot_id": count.account.lot_id,
        "expiry_date": count.expiry_date,
        "counted": count.quantity,
    }
