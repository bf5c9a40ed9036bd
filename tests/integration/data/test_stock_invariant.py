"""Levels equal the ledger: after every step, under a race, and after a transaction that fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.keep_stock import StockLedger
from shelfcast_data.bootstrap.database import migrate
from shelfcast_data.domain import product, shop
from shelfcast_data.domain.movement_facts import MovementFacts, MovementKind, StockAccount
from shelfcast_data.domain.stock_count import CountNote, CountRow, read_sheet
from shelfcast_data.domain.stock_movement import NewMovement
from shelfcast_data.errors import StockInsufficient, StockMovementIrreversible
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.transact import Transactor
from sqlalchemy import Engine

T = TypeVar("T")
PRODUCT = "oat-milk-1l"
SHOPS = ("s1", "s2")
LOTS = ("", "L1", "L2")
SUMS = {
    "levels": "SELECT shop_id, '*', SUM(quantity) FROM stock_levels WHERE tenant_no = {0} GROUP BY shop_id",
    "ledger": "SELECT shop_id, '*', SUM(quantity) FROM stock_movements WHERE tenant_no = {0}"
    " GROUP BY shop_id",
    "lots": "SELECT shop_id, lot_id, quantity FROM stock_lots WHERE tenant_no = {0}",
    "ledger by lot": "SELECT shop_id, lot_id, SUM(quantity) FROM stock_movements WHERE tenant_no = {0}"
    " GROUP BY shop_id, lot_id",
    "open lots": "SELECT shop_id, lot_id, is_open FROM stock_lots WHERE tenant_no = {0}",
}


class DirectStore(Transactor[DataTx]):
    """Transactions on the calling thread."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, None, DataTx)

    async def transact(self, work: Callable[[DataTx], T]) -> T:
        return self.transact_sync(work)

    async def read(self, work: Callable[[DataTx], T]) -> T:
        return self.read_sync(work)


def done(work: Coroutine[Any, Any, T]) -> T:
    """Give what a use case gives that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits")


@dataclass(frozen=True)
class Book:
    """The ledger of one tenant, used without a server."""

    store: DirectStore
    tenant: str
    unit: int = 1_000_000
    """What one unit is in SQLite."""

    def record(self, new: NewMovement) -> str | None:
        try:
            return done(StockLedger(self.store).record(self.tenant, new)).movement_id
        except StockInsufficient:
            return None

    def reverse(self, movement_id: str) -> None:
        done(StockLedger(self.store).reverse(self.tenant, movement_id, ""))

    def count(self, sheet: Sequence[CountRow]) -> None:
        counts, _ = read_sheet(sheet)

        def work(tx: DataTx) -> int:
            rows = tx.stock_counts(self.tenant)
            assert rows.stage(counts) == []
            return rows.record(CountNote())

        if counts:
            self.store.transact_sync(work)

    def sums(self) -> dict[str, dict[tuple[str, str], float]]:
        tenant_no = self.store.read_sync(lambda tx: tx.versions(self.tenant).view()).tenant_no
        with self.store.engine.connect() as connection:
            return {
                name: {(row[0], row[1]): float(row[2]) for row in connection.exec_driver_sql(query)}
                for name, query in ((name, query.format(tenant_no)) for name, query in SUMS.items())
            }

    def check(self) -> dict[tuple[str, str], float]:
        """Give the levels by shop, which equal the ledger, as lots do."""
        sums = self.sums()
        assert sums["levels"] == sums["ledger"]
        assert sums["lots"] == sums["ledger by lot"]
        opened = {key for key, value in sums["open lots"].items() if value}
        assert opened == {key for key, value in sums["lots"].items() if value > 0 and key[1]}
        return {key: value for key, value in sums["levels"].items() if value}


def opened(store: DirectStore) -> Book:
    """Give a tenant of its own with two shops and a product."""
    tenant = f"t-{uuid.uuid4().hex}"

    def work(tx: DataTx) -> None:
        tx.ensure_tenant(tenant)
        tx.entries(product.PRODUCT, tenant).add((PRODUCT,), product.ProductFields())
        for shop_id in SHOPS:
            tx.entries(shop.SHOP, tenant).add((shop_id,), shop.ShopFields())

    store.transact_sync(work)
    return Book(store, tenant)


@pytest.fixture
def store(settings: DataSettings) -> Iterator[DirectStore]:
    migrate(settings)
    engine = create_service_engine(settings.database_url, pool_size=8)
    yield DirectStore(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def kept_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectStore]:
    folder: Path = tmp_path_factory.mktemp("stock")
    settings = DataSettings(data_dir=folder, database_url=f"sqlite:///{folder}/data.sqlite")
    migrate(settings)
    engine = create_service_engine(settings.database_url, pool_size=2)
    yield DirectStore(engine)
    engine.dispose()


def a_movement(
    kind: MovementKind, shop_id: str, lot_id: str, size: int, *, allow_negative: bool
) -> NewMovement:
    sign = -1 if kind in {MovementKind.SALE, MovementKind.TRANSFER, MovementKind.WASTE} else 1
    is_count = kind is MovementKind.COUNT
    facts = MovementFacts(
        kind,
        StockAccount(shop_id, PRODUCT, lot_id),
        None if is_count else sign * (size + 1),
        size if is_count else None,
        other_shop_id=("s2" if shop_id == "s1" else "s1") if kind is MovementKind.TRANSFER else None,
    )
    return NewMovement(str(uuid.uuid4()), facts, allow_negative=allow_negative)


MOVEMENTS = st.builds(
    a_movement,
    st.sampled_from(MovementKind),
    st.sampled_from(SHOPS),
    st.sampled_from(LOTS),
    st.integers(0, 5_000_000),
    allow_negative=st.booleans(),
)
SHEETS = st.lists(
    st.builds(
        CountRow,
        st.sampled_from(SHOPS),
        st.just(PRODUCT),
        st.sampled_from(LOTS),
        st.just(""),
        st.integers(0, 9),
    ),
    max_size=4,
)
AGAIN = st.tuples(st.sampled_from(["again", "reverse"]), st.integers(0, 30))


@given(steps=st.lists(st.one_of(MOVEMENTS, SHEETS, AGAIN), max_size=12))
def test_levels_equal_the_ledger_after_every_step(
    kept_store: DirectStore, steps: list[NewMovement | list[CountRow] | tuple[str, int]]
) -> None:
    book = opened(kept_store)
    sent: list[NewMovement] = []

    for step in steps:
        if isinstance(step, NewMovement):
            step = replace(step, movement_id=str(uuid.uuid4()))  # noqa: PLW2901 - examples share ids
            if book.record(step) is not None:
                sent.append(step)
        elif isinstance(step, list):
            book.count(step)
            found = book.sums()["lots"]
            wanted = {(row.shop_id, row.lot_id): row.quantity for row in reversed(step)}
            assert {key: found[key] / book.unit for key in wanted} == wanted
        elif sent:
            word, place = step
            known = sent[place % len(sent)]
            before = book.check()
            if word == "again":
                assert book.record(known) == known.movement_id
                assert book.check() == before
            else:
                book.reverse(known.movement_id)
        book.check()


@given(steps=st.lists(MOVEMENTS, max_size=10))
def test_taking_back_everything_leaves_nothing(kept_store: DirectStore, steps: list[NewMovement]) -> None:
    book = opened(kept_store)
    made = [book.record(replace(step, movement_id=str(uuid.uuid4()))) for step in steps]

    for movement_id in made:
        if movement_id is not None:
            book.reverse(movement_id)

    assert book.check() == {}


def test_levels_equal_the_ledger_after_a_race(store: DirectStore) -> None:
    book = opened(store)
    shared = a_movement(MovementKind.RECEIPT, "s1", "L1", 6_999_999, allow_negative=False)

    def work(worker: int) -> None:
        for step in range(12):
            kind = list(MovementKind)[(worker + step) % len(MovementKind)]
            new = a_movement(kind, SHOPS[step % 2], LOTS[step % 3], 10**6 * step, allow_negative=False)
            movement_id = book.record(new)
            if movement_id is not None and step % 4 == 3:
                book.reverse(movement_id)
            if step % 5 == 4:
                book.count([CountRow(shop_id, PRODUCT, "L1", "", float(worker)) for shop_id in SHOPS])
        book.record(shared)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))

    assert book.check()
    with store.engine.connect() as connection:
        query = f"SELECT COUNT(*) FROM stock_movements WHERE movement_id = '{shared.movement_id}'"
        assert connection.exec_driver_sql(query).scalar_one() == 1


def test_one_unit_is_wasted_once_in_a_race(store: DirectStore) -> None:
    book = opened(store)
    book.record(a_movement(MovementKind.RECEIPT, "s1", "", 999_999, allow_negative=False))

    def waste(_: int) -> str | None:
        return book.record(a_movement(MovementKind.WASTE, "s1", "", 999_999, allow_negative=False))

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(waste, range(6)))

    assert len([each for each in made if each is not None]) == 1
    assert book.check() == {}


def test_a_movement_that_fails_half_way_leaves_nothing(
    store: DirectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = opened(store)
    new = a_movement(MovementKind.RECEIPT, "s1", "L1", 10, allow_negative=False)

    def fail(*_: object) -> None:
        raise StockMovementIrreversible(movement_id="")

    with monkeypatch.context() as patch:
        patch.setattr("shelfcast_data.adapters.sql.stock_ledger.StockRows._change_lot", fail)
        with pytest.raises(StockMovementIrreversible):
            book.record(new)

    assert book.sums() == {name: {} for name in SUMS}
