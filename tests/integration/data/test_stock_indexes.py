"""Each list of stock reads an index that fits it; MariaDB says which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.bootstrap.database import migrate
from shelfcast_data.domain.movement_facts import StockAccount
from shelfcast_data.domain.stock_level import LevelQuery, LotQuery, MovementQuery
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.transact import Transactor
from sqlalchemy import Engine, event

pytestmark = pytest.mark.mysql
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = "INSERT INTO tenants (tenant_no, tenant, last_number) VALUES (1, 'acme', 0)"
FILL = """
INSERT INTO stock_movements (tenant_no, movement_id, kind, shop_id, product_id, lot_id, quantity, occurred_at,
    recorded_at, reference, reason)
SELECT 1 + (seq MOD 2), UUID(), IF(seq MOD 7, 'sale', 'receipt'), CONCAT('s', seq MOD 23),
    CONCAT('p', seq MOD 97), '', 1, '2026-01-01' + INTERVAL seq MINUTE,
    '2026-01-01' + INTERVAL seq MINUTE, '', '' FROM seq_1_to_20000
"""
FILL_LEVELS = """
INSERT INTO stock_levels (tenant_no, shop_id, product_id, quantity, updated_at, revision)
SELECT 1 + (seq MOD 2), CONCAT('s', seq MOD 23), CONCAT('p', seq), 1, '2026-01-01', 0 FROM seq_1_to_5000
"""
FILL_LOTS = """
INSERT INTO stock_lots (tenant_no, shop_id, product_id, lot_id, expiry_date, quantity, is_open)
SELECT 1 + (seq MOD 2), CONCAT('s', seq MOD 3), CONCAT('p', seq), 'l', '2026-01-01' + INTERVAL seq DAY,
    1, seq MOD 20 = 0 FROM seq_1_to_20000
"""
LEDGER = "ix_stock_movements_"
Read = Callable[[DataTx], object]


def moves(after: tuple[datetime, int] | None = None, **fields: Any) -> Read:  # noqa: ANN401 - fields of a query
    return lambda tx: tx.stock("acme").page(MovementQuery(**fields), 51, after)


def shown(after: tuple[str, str] | None = None, **fields: Any) -> Read:  # noqa: ANN401 - fields of a query
    return lambda tx: tx.inventory("acme").levels(LevelQuery(**fields), 51, after)


def lots(after: tuple[date, StockAccount] | None = None, **fields: Any) -> Read:  # noqa: ANN401 - fields of a query
    return lambda tx: tx.inventory("acme").open_lots(LotQuery(**fields), 51, after)


@pytest.fixture
def engine(settings: DataSettings) -> Iterator[Engine]:
    migrate(settings)
    made = create_service_engine(settings.database_url, pool_size=1, traced=False)
    with made.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tenants (tenant_no, tenant, last_number) VALUES (1, 'acme', 0)"
        )
        for statement in (FILL, FILL_LEVELS, FILL_LOTS):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("ANALYZE TABLE stock_movements, stock_levels, stock_lots").fetchall()
    yield made
    made.dispose()


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
def test_every_list_of_stock_reads_its_index(engine: Engine) -> None:
    wanted: dict[str, tuple[Read, str]] = {
        "ledger": (moves(), f"{LEDGER}time"),
        "ledger, next page": (moves((NOON, 7)), f"{LEDGER}time"),
        "ledger from a day on": (moves(start=NOON), f"{LEDGER}time"),
        "ledger of a shop": (moves(shop_id="s3"), f"{LEDGER}shop"),
        "ledger of a product": (moves((NOON, 7), product_id="p3"), f"{LEDGER}product"),
        "ledger of both": (moves((NOON, 7), shop_id="s2", product_id="p3"), f"{LEDGER}pair"),
        "levels": (shown(), "PRIMARY"),
        "levels, next page": (shown(("s2", "p3")), "PRIMARY"),
        "levels of a shop": (shown(shop_id="s2"), "PRIMARY"),
        "levels of a product": (shown(product_id="p3"), "ix_stock_levels_product"),
        "low levels": (shown(below=3), "PRIMARY"),
        "lots": (lots(), "ix_stock_lots_expiry"),
        "lots, next page": (lots((date(2026, 3, 1), StockAccount("s2", "p3", "l"))), "ix_stock_lots_expiry"),
        "lots of a shop": (lots(shop_id="s2"), "ix_stock_lots_shop"),
        "lots of a product": (lots(product_id="p3"), "ix_stock_lots_product"),
        "stock of a product": (
            lambda tx: tx.inventory("acme").lots_of("p3", None),
            "ix_stock_lots_product",
        ),
        "stock of a product as of": (
            lambda tx: tx.inventory("acme").lots_as_of("p3", None, NOON),
            f"{LEDGER}product",
        ),
    }

    plans = {name: plan(engine, read) for name, (read, _) in wanted.items()}

    assert {name: key for name, (key, _) in plans.items()} == {name: key for name, (_, key) in wanted.items()}
    sorted_by_hand = {name for name, (_, extra) in plans.items() if "filesort" in extra}
    assert sorted_by_hand <= {"lots of a product", "stock of a product as of"}


def plan(engine: Engine, read: Read) -> tuple[str, str]:
    """Give the index and the remarks of EXPLAIN for the last statement of a read."""
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    Transactor(engine, None, DataTx).read_sync(read)
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = sent[-1]
    with engine.connect() as connection:
        row = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings().first()
    assert row is not None
    return str(row["key"]), str(row["Extra"])
