"""The transaction closure on both stores: commit, rollback, conflict, deadline, a database that is away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shelfcast_servicekit.deadline import deadline_within
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.errors import DeadlineExceeded, EtagMismatch, UpstreamUnavailable
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.sql_clock import UtcDateTime, utc_after, utc_now
from shelfcast_servicekit.transact import Transactor
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

METADATA = MetaData()
STOCK = Table(
    "stock",
    METADATA,
    Column("product_id", String(64), primary_key=True),
    Column("quantity", Integer, nullable=False),
)


@pytest.fixture
def transactor(engine: Engine, executor: BlockingExecutor) -> Iterator[Transactor[Connection]]:
    METADATA.create_all(engine)
    transactor = Transactor(engine, executor, lambda connection: connection)
    transactor.transact_sync(
        lambda tx: tx.execute(insert(STOCK), [{"product_id": p, "quantity": 0} for p in ("oat", "rye")])
    )
    yield transactor
    METADATA.drop_all(engine)


def quantity(tx: Connection, product_id: str = "oat") -> int:
    return int(tx.execute(select(STOCK.c.quantity).where(STOCK.c.product_id == product_id)).scalar_one())


def add(tx: Connection, product_id: str = "oat", count: int = 1) -> None:
    change = update(STOCK).where(STOCK.c.product_id == product_id)
    tx.execute(change.values(quantity=STOCK.c.quantity + count))


async def test_what_the_closure_does_is_committed(transactor: Transactor[Connection]) -> None:
    await transactor.transact(add)

    assert await transactor.read(quantity) == 1


async def test_an_error_undoes_everything_and_goes_on(transactor: Transactor[Connection]) -> None:
    def work(tx: Connection) -> None:
        add(tx)
        raise EtagMismatch

    with pytest.raises(EtagMismatch):
        await transactor.transact(work)

    assert await transactor.read(quantity) == 0


async def test_a_broken_rule_of_the_table_is_not_repeated(transactor: Transactor[Connection]) -> None:
    runs: list[int] = []

    def work(tx: Connection) -> None:
        runs.append(1)
        tx.execute(insert(STOCK).values(product_id="oat", quantity=1))

    with pytest.raises(IntegrityError):
        await transactor.transact(work)

    assert len(runs) == 1


async def test_f18_no_update_is_lost_between_eight_writers(transactor: Transactor[Connection]) -> None:
    for _ in range(5):
        await asyncio.gather(*(transactor.transact(add) for _ in range(8)))

    assert await transactor.read(quantity) == 40


@pytest.mark.mysql
@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
async def test_f13_a_deadlock_is_repeated_whole(transactor: Transactor[Connection]) -> None:
    barrier = threading.Barrier(2, timeout=30)
    runs: list[str] = []

    def both(first: str, second: str) -> None:
        def work(tx: Connection) -> None:
            runs.append(first)
            add(tx, first)
            if len(runs) <= 2:
                barrier.wait()
            add(tx, second)

        transactor.transact_sync(work)

    await asyncio.gather(asyncio.to_thread(both, "oat", "rye"), asyncio.to_thread(both, "rye", "oat"))

    assert len(runs) == 3
    assert (await transactor.read(quantity), await transactor.read(lambda tx: quantity(tx, "rye"))) == (2, 2)


async def test_f14_a_row_that_stays_locked_is_503_and_leaves_nothing(
    database_url: str, transactor: Transactor[Connection]
) -> None:
    blocker = create_service_engine(database_url)
    with blocker.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        add(connection)

        with pytest.raises(UpstreamUnavailable) as caught:
            await transactor.transact(add)
        connection.rollback()
    blocker.dispose()

    assert caught.value.metadata == {"service": "database"}
    assert await transactor.read(quantity) == 0


@pytest.mark.mysql
@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)
async def test_a_statement_ends_with_the_deadline(transactor: Transactor[Connection]) -> None:
    with deadline_within(0.3), pytest.raises(DeadlineExceeded):
        await transactor.read(lambda tx: tx.execute(text("SELECT SLEEP(600)")).scalar())

    assert await transactor.read(lambda tx: tx.execute(text("SELECT SLEEP(0.4)")).scalar()) == 0


async def test_a_spent_deadline_begins_nothing(transactor: Transactor[Connection]) -> None:
    with deadline_within(-1.0), pytest.raises(DeadlineExceeded):
        await transactor.transact(add)


async def test_isolation_and_journal_are_as_promised(
    engine: Engine, transactor: Transactor[Connection]
) -> None:
    def look(tx: Connection) -> tuple[object, ...]:
        if tx.dialect.name == "sqlite":
            return (
                tx.exec_driver_sql("PRAGMA journal_mode").scalar(),
                tx.exec_driver_sql("PRAGMA foreign_keys").scalar(),
            )
        return (
            tx.get_isolation_level(),
            tx.exec_driver_sql("SELECT @@innodb_lock_wait_timeout").scalar(),
        )

    expected = ("wal", 1) if engine.dialect.name == "sqlite" else ("READ COMMITTED", 2)
    assert await transactor.read(look) == expected


async def test_each_statement_is_a_span_of_the_request(
    transactor: Transactor[Connection], spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("test").start_as_current_span("request"):
        await transactor.transact(add)

    statement, _ = spans.get_finished_spans()
    assert statement.name == "UPDATE sql"
    assert statement.attributes is not None
    assert statement.attributes["db.system.name"] in {"sqlite", "mysql", "mariadb"}


async def test_the_databases_clock_comes_back_aware_and_exact(transactor: Transactor[Connection]) -> None:
    def look(tx: Connection) -> tuple[object, ...]:
        now, later = tx.execute(select(utc_now(), utc_after(90.5))).one()
        return (round((later - now).total_seconds(), 1), now.tzinfo is not None)

    assert await transactor.read(look) == (90.5, True)
    assert UtcDateTime().cache_ok


async def test_a_database_that_is_away_is_503(executor: BlockingExecutor) -> None:
    engine = create_service_engine("mysql+pymysql://root@127.0.0.1:1/nowhere")
    transactor = Transactor(engine, executor, lambda connection: connection)

    with pytest.raises(UpstreamUnavailable) as caught:
        await transactor.read(quantity)
    engine.dispose()

    assert caught.value.retry_after_seconds == 1.0


def end(engine: Engine, connection_id: int) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(f"KILL {connection_id}")


def connection_id(tx: Connection) -> int:
    return int(tx.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())


@pytest.mark.mysql
@pytest.mark.parametrize("is_used", [False, True], ids=["when it begins", "in its middle"])
async def test_a_connection_lost_before_commit_is_replaced_and_nothing_is_doubled(
    transactor: Transactor[Connection], is_used: bool
) -> None:
    if transactor.engine.dialect.name == "sqlite":
        pytest.skip("a file ends no connection")
    other = create_service_engine(str(transactor.engine.url), traced=False)
    ended = [transactor.read_sync(connection_id)]
    if not is_used:
        end(other, ended[0])

    def work(tx: Connection) -> None:
        add(tx)
        if is_used and len(ended) == 1:
            ended.append(connection_id(tx))
            end(other, ended[-1])
        add(tx, "rye")

    await transactor.transact(work)
    other.dispose()

    assert await transactor.read(quantity) == 1
    assert await transactor.read(lambda tx: quantity(tx, "rye")) == 1
    assert await transactor.read(connection_id) not in ended


@pytest.mark.mysql
async def test_a_pool_of_lost_connections_is_renewed_and_grows_by_none(
    transactor: Transactor[Connection],
) -> None:
    if transactor.engine.dialect.name == "sqlite":
        pytest.skip("a file ends no connection")
    other = create_service_engine(str(transactor.engine.url), traced=False)
    together = threading.Barrier(4)

    def meet(tx: Connection) -> int:
        together.wait(30)
        return connection_id(tx)

    for _ in range(3):
        known = await asyncio.gather(*(transactor.read(meet) for _ in range(4)))
        for each in known:
            end(other, each)
        await asyncio.gather(*(transactor.transact(add) for _ in range(4)))
    with other.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, db FROM information_schema.processlist").all()
    other.dispose()

    mine = [row for row in rows if row.db == transactor.engine.url.database]
    assert len(mine) <= 1 + 4
    assert await transactor.read(quantity) == 12


@pytest.mark.mysql
async def test_a_connection_lost_at_commit_is_503_and_not_repeated(
    transactor: Transactor[Connection],
) -> None:
    if transactor.engine.dialect.name == "sqlite":
        pytest.skip("a file ends no connection")
    other = create_service_engine(str(transactor.engine.url), traced=False)
    runs = []

    def work(tx: Connection) -> None:
        runs.append(1)
        add(tx)
        end(other, connection_id(tx))

    with pytest.raises(UpstreamUnavailable):
        await transactor.transact(work)
    other.dispose()

    assert len(runs) == 1
    assert await transactor.read(quantity) == 0


async def test_an_exhausted_pool_is_503_in_two_seconds(tmp_path: Path) -> None:
    engine = create_service_engine(f"sqlite:///{tmp_path}/small.sqlite", pool_size=1)
    executor = BlockingExecutor("small", threads=2)
    transactor = Transactor(engine, executor, lambda connection: connection)
    held = asyncio.create_task(transactor.read(lambda _: time.sleep(3)))
    await asyncio.sleep(0.1)

    with pytest.raises(UpstreamUnavailable):
        await transactor.read(lambda tx: tx.exec_driver_sql("SELECT 1").scalar())
    await held
    engine.dispose()
    executor.close()
