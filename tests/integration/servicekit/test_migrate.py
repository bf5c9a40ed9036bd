"""Migrations from a folder of scripts, on both stores, by several processes at once."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.migrate import upgrade
from sqlalchemy import inspect

ENVIRONMENT = """
from alembic import context
from shelfcast_servicekit.migrate import run_environment

run_environment(context)
"""
FIRST = """
import time
import sqlalchemy as sa
from alembic import op
from shelfcast_servicekit.jobs.table import create_job_table

revision = "0001"
down_revision = None

def upgrade():
    op.create_table("shop", sa.Column("shop_id", sa.String(64), primary_key=True))
    time.sleep(0.2)
    create_job_table(op, "model_")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

def upgrade():
    with op.batch_alter_table("shop") as shop:
        shop.add_column(sa.Column("name", sa.String(100)))
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(ENVIRONMENT)
    (versions / "0001_first.py").write_text(FIRST)
    (versions / "0002_second.py").write_text(SECOND)
    return tmp_path / "migrations"


def test_an_empty_database_is_brought_to_the_newest_revision(database_url: str, scripts: Path) -> None:
    upgrade(database_url, str(scripts), "model_alembic_version")
    upgrade(database_url, str(scripts), "model_alembic_version")

    engine = create_service_engine(database_url)
    tables = set(inspect(engine).get_table_names())
    columns = [column["name"] for column in inspect(engine).get_columns("shop")]
    engine.dispose()
    assert tables == {"shop", "model_jobs", "model_alembic_version"}
    assert columns == ["shop_id", "name"]


def test_two_services_keep_their_revisions_apart(database_url: str, scripts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "versions").mkdir(parents=True)
    (other / "env.py").write_text(ENVIRONMENT)
    (other / "versions" / "1.py").write_text(
        FIRST.replace('"0001"', '"x1"').replace('"shop"', '"trace"').replace('"model_"', '"data_"')
    )

    upgrade(database_url, str(scripts), "model_alembic_version")
    upgrade(database_url, str(other), "data_alembic_version")

    engine = create_service_engine(database_url)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    assert {"shop", "trace", "model_jobs", "data_jobs"} <= tables


def test_processes_that_start_together_migrate_once(database_url: str, scripts: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(upgrade, database_url, str(scripts), "model_alembic_version") for _ in range(3)]
        for run in runs:
            run.result(timeout=60)
