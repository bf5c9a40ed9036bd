"""SQLAlchemy engines with the limits that keep a lost or slow database from stalling a service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DisconnectionError

from shelfcast_servicekit.sql_span import trace_statements

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

CONNECT_TIMEOUT_SECONDS: Final = 3
READ_TIMEOUT_SECONDS: Final = 60
LOCK_WAIT_SECONDS: Final = 2
POOL_TIMEOUT_SECONDS: Final = 2.0
POOL_OVERFLOW: Final = 2
"""Connections beyond a pool's size, for a moment."""
POOL_RECYCLE_SECONDS: Final = 1800
BUSY_TIMEOUT_SECONDS: Final = 2
LONGEST_GROUP_BYTES: Final = 16_000_000
"""Longest text that GROUP_CONCAT gathers, and JSON_ARRAYAGG on MariaDB, which cut off what is longer."""
IDLE_SECONDS: Final = 1.0
"""A connection that was used this long ago is asked whether it is still there."""

ENDED: Final = "shelfcast_ended"
"""Mark on a connection whose last statement was COMMIT."""
_USED_AT: Final = "shelfcast_used_at"


def create_service_engine(
    url: str,
    *,
    pool_size: int = 8,
    local_infile: bool = False,
    traced: bool = True,
    read_timeout_seconds: int = READ_TIMEOUT_SECONDS,
) -> Engine:
    """Make the engine of a service for SQLite or MySQL/MariaDB; call it after telemetry is set up.

    pool_size: connections kept; at least the threads of the executor that uses them.
    local_infile: only for the bulk loader, which names only files it made.
    traced: whether each statement becomes a span under the current one.
    read_timeout_seconds: longest wait for one answer of the server; long for bulk loads.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = _sqlite_engine(address, pool_size)
    else:
        engine = _mysql_engine(address, pool_size, local_infile, read_timeout_seconds)
    if traced:
        trace_statements(engine)
    return engine


def _sqlite_engine(address: URL, pool_size: int) -> Engine:
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Hand transaction control to the Transactor and set what must hold on each connection."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _mysql_engine(address: URL, pool_size: int, local_infile: bool, read_timeout: int) -> Engine:
    arguments = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": read_timeout,
        "write_timeout": read_timeout,
        "charset": "utf8mb4",
        "local_infile": local_infile,
        "init_command": f"SET SESSION innodb_lock_wait_timeout={LOCK_WAIT_SECONDS}, time_zone='+00:00',"
        f" group_concat_max_len={LONGEST_GROUP_BYTES}",
    }
    engine = create_engine(
        address,
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_recycle=POOL_RECYCLE_SECONDS,
        pool_reset_on_return=None,
        connect_args=arguments,
    )
    event.listen(engine, "reset", _end_transaction)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _check_idle)
    return engine


def _end_transaction(connection: DBAPIConnection, entry: ConnectionPoolEntry, state: PoolResetState) -> None:
    """Roll back what is open, unless SQLAlchemy or a commit has ended it just now."""
    has_ended = entry.info.pop(ENDED, False) or state.transaction_was_reset
    if not has_ended and not state.terminate_only:
        connection.rollback()


def _note_use(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED_AT] = time.monotonic()


def _check_idle(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: object) -> None:
    """See whether a connection that has lain idle is still there; the pool replaces it if not."""
    if time.monotonic() - entry.info.get(_USED_AT, time.monotonic()) < IDLE_SECONDS:
        return
    try:
        connection.ping(reconnect=False)
    except connection.Error as error:
        raise DisconnectionError from error
