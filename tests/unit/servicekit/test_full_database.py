"""A database without room on its disk is told from one that is away."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pymysql
import pytest
from shelfcast_servicekit.errors import StorageFull, UpstreamUnavailable
from shelfcast_servicekit.transact import raise_translated
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, OperationalError


def mysql_error(number: int, text: str) -> DBAPIError:
    return OperationalError("INSERT", {}, pymysql.err.OperationalError(number, text))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1021, "Disk full (/tmp/x.MAI); waiting for someone to free some space... (errno: 28)"),
        (1114, "The table 'sales' is full"),
        (1030, "Got error 28 from storage engine"),
        (1030, 'Got error 28 "No space left on device" from storage engine InnoDB'),
        (1026, "Error writing file '/tmp/MLfd' (Errcode: 28 \"No space left on device\")"),
        (3, "Error writing file '/tmp/MYfd' (Errcode: 28 - No space left on device)"),
    ],
)
def test_a_full_disk_of_mysql_is_told(number: int, text: str) -> None:
    with pytest.raises(StorageFull):
        raise_translated(mysql_error(number, text))


def test_another_fault_of_its_storage_engine_is_not_a_full_disk() -> None:
    with pytest.raises(OperationalError):
        raise_translated(mysql_error(1030, "Got error 128 from storage engine"))


def test_a_server_that_is_away_is_not_full() -> None:
    with pytest.raises(UpstreamUnavailable):
        raise_translated(mysql_error(2013, "Lost connection to MySQL server during query"))


def test_a_full_sqlite_file_is_told(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/small.sqlite")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 3")
        connection.exec_driver_sql("CREATE TABLE t (b BLOB)")
        with pytest.raises(OperationalError) as caught:
            connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")

    engine.dispose()
    assert isinstance(caught.value.orig, sqlite3.OperationalError)
    with pytest.raises(StorageFull):
        raise_translated(caught.value)
