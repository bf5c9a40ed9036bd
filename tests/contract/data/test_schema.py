"""The migrations make the tables that the code names, on both stores."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from shelfcast_data.adapters.sql.schema import METADATA
from shelfcast_data.bootstrap.database import MIGRATIONS, VERSION_TABLE
from shelfcast_servicekit.migrate import upgrade
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

MYSQL = os.environ.get(  # noqa: TID251 - tests have no settings
    "SHELFCAST_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/"
)
IS_REQUIRED = os.environ.get("SHELFCAST_REQUIRE_SERVICES") == "1"  # noqa: TID251 - tests have no settings
README = Path(__file__).resolve().parents[3] / "services" / "data" / "README.md"


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data.sqlite"
        return
    name = f"shelfcast_data_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(MYSQL)
    try:
        with admin.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        if IS_REQUIRED:
            raise
        pytest.skip("no MariaDB answers")
    yield f"{MYSQL}{name}"
    with admin.begin() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()


def test_migrations_make_the_tables_of_the_schema(url: str) -> None:
    upgrade(url, MIGRATIONS, VERSION_TABLE)
    upgrade(url, MIGRATIONS, VERSION_TABLE)

    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": False}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
        columns = {
            table.name: sorted(column.name for column in table.columns) for table in METADATA.sorted_tables
        }
    engine.dispose()

    assert found == []
    assert "tenant_no" in columns["sales"]


def test_every_table_carries_the_tenant() -> None:
    bare = [
        table.name
        for table in METADATA.sorted_tables
        if not {"tenant", "tenant_no"} & {column.name for column in table.columns}
    ]

    assert bare == ["outbox_lead"]  # the lease of the one relay, which serves all tenants
