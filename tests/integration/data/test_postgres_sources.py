"""Import sources whose tables are in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from shelfcast.jobs.v1 import job_pb2
from shelfcast_testing.postgres_process import PostgresProcess
from shelfcast_testing.redis_process import free_port
from sqlalchemy import Engine, create_engine

from tests.integration.data.test_sources import FIELDS, Sources, sold

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service

TABLE = """CREATE TABLE sold (
    id INTEGER PRIMARY KEY, day DATE, shop TEXT, item TEXT, "Menge verkauft" NUMERIC(12, 3),
    price DOUBLE PRECISION, promo BOOLEAN, changed TIMESTAMP, changed_utc TIMESTAMPTZ, code TEXT, note JSONB
)"""


class Erp:
    """The other database."""

    def __init__(self, server: PostgresProcess, database: str) -> None:
        self.server = server
        self.database = database
        self.engine: Engine = create_engine(server.url(database=database))
        self.run(TABLE)

    def run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def sell(self, number: int, quantity: float, *, day: int = 0) -> None:
        """Add a row."""
        values = (
            f"{number}, '2026-01-{day or number:02d}', 's1', 'a', {quantity}, 1.5, TRUE, "
            f"'2026-02-01 10:{number:02d}', '2026-02-01 10:{number:02d}+01', 'c{number:03d}', '{{}}'"
        )
        self.run(f"INSERT INTO sold VALUES ({values})")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    process = PostgresProcess()
    try:
        process.start()
        yield process
    finally:
        process.kill()


@pytest.fixture
def erp(postgres: PostgresProcess) -> Iterator[Erp]:
    admin = create_engine(postgres.url(), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE erp")
    made = Erp(postgres, "erp")
    yield made
    made.engine.dispose()
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE erp WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def settings(settings: DataSettings, erp: Erp) -> DataSettings:
    sources = {
        "acme/erp": SecretStr(erp.server.url(database="erp")),
        "acme/stranger": SecretStr(erp.server.url("stranger", "erp")),
        "acme/away": SecretStr(f"postgresql+psycopg://me:s3cret@127.0.0.1:{free_port()}/erp"),
    }
    return settings.model_copy(update={"data_sources": sources})


@pytest.fixture
def sources(service: Service) -> Sources:
    return Sources(service)


@pytest.mark.parametrize("mark", ["id", "changed", "changed_utc", "code", "day"])
async def test_new_rows_of_a_table_follow(service: Service, sources: Sources, erp: Erp, mark: str) -> None:
    erp.sell(1, 1.25)
    erp.sell(2, 2)
    await sources.create("erp", mark_column=mark)
    first = await sources.loaded()
    erp.sell(3, 3)

    second = await sources.loaded()
    third = await sources.run()

    assert (first.report.accepted_count, second.report.accepted_count) == (2, 1)
    assert second.report.repeated_count == 1  # the row at the mark
    assert third.status == job_pb2.JOB_STATUS_COMPLETED
    assert sold(service) == {("a", "01"): 1.25, ("a", "02"): 2.0, ("a", "03"): 3.0}


async def test_receipts_are_added_up_over_whole_days(service: Service, sources: Sources, erp: Erp) -> None:
    erp.sell(1, 1, day=1)
    erp.sell(2, 2, day=2)
    erp.sell(3, 3, day=2)
    await sources.create("erp", mark_column="id", same_day="SAME_DAY_SUM")
    await sources.loaded()
    erp.sell(4, 4, day=2)

    await sources.loaded()

    assert sold(service) == {("a", "01"): 1.0, ("a", "02"): 9.0}


async def test_a_table_larger_than_one_fetch_is_read_whole(
    service: Service, sources: Sources, erp: Erp
) -> None:
    erp.run(
        "INSERT INTO sold SELECT n, DATE '2000-01-01' + n, 's1', 'a', 1 FROM generate_series(1, 5000) AS n"
    )
    await sources.create("erp", mark_column="id")

    done = await sources.loaded()

    assert done.report.accepted_count == 5000


async def test_the_session_only_reads(sources: Sources, erp: Erp) -> None:
    erp.sell(1, 1)
    erp.run("CREATE TABLE looked (n INTEGER)")
    insert = "INSERT INTO looked VALUES (1) RETURNING 1"
    erp.run(f"CREATE FUNCTION looks() RETURNS INTEGER LANGUAGE SQL AS $$ {insert} $$")
    erp.run("CREATE VIEW spied AS SELECT *, looks() AS is_promotion FROM sold")
    await sources.create("erp", table_name="spied")

    job = await sources.run()

    assert job.error["code"] == "SOURCE_UNREADABLE"
    assert "ReadOnlySqlTransaction" in str(job.error["detail"])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"connection": "stranger"}, "refuses (OperationalError)"),
        ({"table_name": "nothing"}, "no table nothing"),
        ({"mark_column": "note"}, "refuses (UndefinedFunction)"),
    ],
)
async def test_what_cannot_be_read_fails_with_its_cause(
    service: Service, sources: Sources, erp: Erp, fields: dict[str, str], named: str
) -> None:
    erp.sell(1, 1)
    await sources.create("erp", **FIELDS | fields)

    job = await sources.run()

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "SOURCE_UNREADABLE")
    assert named in str(job.error["detail"])
    assert service.rows("SELECT COUNT(*) FROM imports") == [(0,)]


async def test_a_server_that_is_away_is_tried_again_later(sources: Sources) -> None:
    await sources.create("erp", connection="away")

    job = await sources.run()

    assert job.status == job_pb2.JOB_STATUS_PENDING
