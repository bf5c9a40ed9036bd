"""The command `doctor` and the warning at start, against a real server."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from shelfcast_data.bootstrap.server import connection_demand, examine_server, warn_of_server
from shelfcast_data.bootstrap.service import build
from shelfcast_data.domain.connection_demand import OTHER_CONNECTIONS
from shelfcast_data.domain.server_finding import SUBJECTS
from shelfcast_data.settings import DataSettings
from shelfcast_model.bootstrap import DATABASE_THREADS, WORKER
from shelfcast_monitoring.adapters.sql.telemetry_store import POOL_SIZE
from shelfcast_servicekit.engine import POOL_OVERFLOW
from shelfcast_servicekit.jobs.worker import ledger_connections
from sqlalchemy.pool import QueuePool

from tests.integration.data.conftest import MYSQL, mysql_database


@pytest.fixture
def mysql_settings(tmp_path: Path) -> DataSettings:
    with mysql_database():
        return DataSettings(
            data_dir=tmp_path, database_url=f"{MYSQL}mysql", otel_exporter_otlp_endpoint="none"
        )


@pytest.mark.mysql
def test_the_server_is_held_against_every_promise(mysql_settings: DataSettings) -> None:
    findings = {finding.subject: finding for finding in examine_server(mysql_settings)}

    assert set(findings) <= set(SUBJECTS)
    assert {"innodb_flush_log_at_trx_commit", "sql_mode", "local_infile", "max_connections"} <= set(findings)
    assert not findings["transaction_isolation"].is_wrong


@pytest.mark.mysql
def test_pools_beyond_the_server_are_told_at_start(
    mysql_settings: DataSettings, caplog: pytest.LogCaptureFixture
) -> None:
    many = mysql_settings.model_copy(update={"database_processes": "data=10000"})

    with caplog.at_level(logging.ERROR):
        warn_of_server(many)

    assert "set max_connections to" in caplog.text
    assert "data 10000 x" in caplog.text


@pytest.mark.mysql
def test_the_command_prints_and_exits_by_what_it_finds(mysql_settings: DataSettings) -> None:
    environment = {
        "SHELFCAST_DATABASE_URL": mysql_settings.database_url,
        "SHELFCAST_DATA_DIR": str(mysql_settings.data_dir),
        "SHELFCAST_DATABASE_PROCESSES": "data=10000",
    }

    ran = subprocess.run(
        [sys.executable, "-m", "shelfcast_data", "doctor", "--json"],
        env=environment,
        check=False,
        capture_output=True,
    )

    wrong = [each["subject"] for each in orjson.loads(ran.stdout) if each["is_wrong"]]
    assert ran.returncode == 1
    assert "max_connections" in wrong


def test_a_server_that_is_away_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_server(DataSettings(data_dir=tmp_path, database_url="mysql+pymysql://root@127.0.0.1:1/x"))

    assert "cannot be examined" in caplog.text


def test_sqlite_is_no_server(tmp_path: Path) -> None:
    assert examine_server(DataSettings(data_dir=tmp_path)) == []


@pytest.mark.mysql
async def test_the_server_holds_as_many_connections_as_is_said(mysql_settings: DataSettings) -> None:
    parts = build(mysql_settings)

    pool = parts.engine.pool

    assert isinstance(pool, QueuePool)
    assert pool.size() + pool._max_overflow == connection_demand(mysql_settings).connections["data"]
    await parts.close()


def test_other_services_hold_as_many_connections_as_is_said() -> None:
    worker = WORKER.concurrency
    process = ledger_connections(worker) + 2 + 2 * POOL_OVERFLOW  # its handlers have a pool of 2

    assert {
        "model": DATABASE_THREADS + POOL_OVERFLOW,
        "model-worker": process * (1 + worker),  # a training runs in a process of its own
        "monitoring": POOL_SIZE + POOL_OVERFLOW,
    } == OTHER_CONNECTIONS
