"""One closure, one transaction: run whole, committed, and repeated whole on a deadlock."""

from __future__ import annotations

import math
import random
import re
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shelfcast_servicekit.deadline import remaining_seconds
from shelfcast_servicekit.engine import ENDED
from shelfcast_servicekit.errors import DeadlineExceeded, StorageFull, UpstreamUnavailable
from shelfcast_servicekit.sql_span import UNTRACED

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine

    from shelfcast_servicekit.executor import BlockingExecutor

Tx = TypeVar("Tx")
T = TypeVar("T")

ATTEMPTS: Final = 3
MYSQL_CONFLICTS: Final = frozenset({1205, 1213, 1020})
MYSQL_AWAY: Final = frozenset({1040, 1053, 1203, 1290, 1927, 2002, 2003, 2006, 2013, 2014, 2055})
MYSQL_LOST: Final = frozenset({1927, 2006, 2013, 2055})
"""The connection ended; whether a server is there for the next one is not known."""
MYSQL_FULL: Final = frozenset({1021, 1114})
MYSQL_WITH_ERRNO: Final = frozenset({3, 1026, 1030})
"""Errors that name the errno of the server's system in their text; 28 is a full disk."""
MYSQL_TIMED_OUT: Final = frozenset({1969, 3024, 1317})

_FIRST_PAUSE_SECONDS: Final = 0.02
_REPEATS: Final = Counter(
    "sql_conflicts_total", "Transactions in each other's way: 1213, 1205 or a busy file.", ("kind",)
)
_LIMIT: Final = "shelfcast_statement_limit"
_LEAST_LIMIT_SECONDS: Final = 1 / 16
_SQLITE_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
"""No room for pages, or for the index of the write-ahead log."""
_ERRNO_FULL: Final = re.compile(r"(errno: |Errcode: |error )28\b")
_SQLITE_BUSY_WORDS: Final = ("database is locked", "database table is locked")


class Transactor(Generic[Tx]):
    """Runs closures of a transaction on the executor's threads, or on the calling thread."""

    def __init__(
        self,
        engine: Engine,
        executor: BlockingExecutor | None,
        begin: Callable[[Connection], Tx],
    ) -> None:
        """Begin makes the service's own transaction object on a connection.

        executor: None where only the `_sync` methods are used (a worker).
        """
        self.engine = engine
        self._executor = executor
        self._begin = begin

    async def transact(self, work: Callable[[Tx], T]) -> T:
        """Commit everything that `work` does, or nothing; `work` may run up to three times.

        It runs again after a conflict, and once after a connection that was lost before its COMMIT was sent:
        what such a connection did is undone by the server, and the pool has let go of others as old.

        Raises: UpstreamUnavailable when the database is away or the conflict stays; StorageFull when its
        disk is full; DeadlineExceeded when the statement ran into the deadline; whatever `work` raises.
        """
        return await self._threads().run(self.transact_sync, work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Give what `work` reads in one transaction that takes no write lock. Raises as `transact`."""
        return await self._threads().run(self.read_sync, work)

    def transact_sync(self, work: Callable[[Tx], T]) -> T:
        """Do as `transact` on the calling thread."""
        return self._repeat(work, writes=True)

    def read_sync(self, work: Callable[[Tx], T]) -> T:
        """Do as `read` on the calling thread."""
        return self._repeat(work, writes=False)

    def _threads(self) -> BlockingExecutor:
        if self._executor is None:
            raise RuntimeError("this Transactor was made without an executor")
        return self._executor

    def _repeat(self, work: Callable[[Tx], T], *, writes: bool) -> T:
        has_lost = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(work, writes=writes)
            except DBAPIError as error:
                if is_conflict(error):
                    _REPEATS.labels(str(error_number(error) or "busy")).inc()
                if attempt == ATTEMPTS or not is_conflict(error):
                    raise_translated(error)
            except _Lost as lost:
                if has_lost or attempt == ATTEMPTS:
                    raise_translated(lost.error)
                has_lost = True
            except PoolTimeout as error:
                raise UpstreamUnavailable(retry_after_seconds=1.0, service="database") from error
            time.sleep(random.uniform(0, _FIRST_PAUSE_SECONDS * 4**attempt))  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    def _once(self, work: Callable[[Tx], T], *, writes: bool) -> T:
        with self.engine.connect() as connection:
            try:
                try:
                    _open(connection, writes=writes)
                    result = work(self._begin(connection))
                except DBAPIError as error:
                    if _is_lost(error):
                        raise _Lost(error) from error
                    raise
                if writes:  # a read ends with the connection's return to the pool
                    connection.commit()
                    connection.info[ENDED] = True
            except BaseException:
                # Explicit, because 1205 undoes only the statement.
                with suppress(DBAPIError):
                    connection.rollback()
                raise
            return result


class _Lost(Exception):
    """The connection ended before COMMIT was sent, so that nothing of the closure is kept."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error))
        self.error = error


def _open(connection: Connection, *, writes: bool) -> None:
    """Begin the transaction, with what is left of the deadline as the statements' time limit.

    MySQL is told a limit of up to twice the time, in steps, so that most often the connection has it.
    """
    remaining = remaining_seconds()
    if remaining is not None and remaining <= 0:
        raise DeadlineExceeded
    if connection.dialect.name == "sqlite":
        _execute(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")
        return
    seconds = 0.0 if remaining is None else 2.0 ** math.ceil(math.log2(max(remaining, _LEAST_LIMIT_SECONDS)))
    if connection.info.get(_LIMIT) != seconds:
        connection.info.pop(_LIMIT, None)
        _execute(connection, _limit_to(connection, seconds))
        connection.info[_LIMIT] = seconds


def _execute(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement, execution_options=UNTRACED)


def _limit_to(connection: Connection, seconds: float) -> str:
    if getattr(connection.dialect, "is_mariadb", False):
        return f"SET max_statement_time = {seconds:.4f}"
    return f"SET max_execution_time = {math.ceil(seconds * 1000)}"


def error_number(error: DBAPIError) -> int | None:
    """Give the server's or client's error number of a MySQL error, or None."""
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def is_conflict(error: DBAPIError) -> bool:
    """Say whether another transaction was in the way, so that the whole closure may run again."""
    if error_number(error) in MYSQL_CONFLICTS:
        return True
    return isinstance(error, OperationalError) and str(error.orig) in _SQLITE_BUSY_WORDS


def _is_lost(error: DBAPIError) -> bool:
    """Say whether the server ended the connection; one that was waited for in vain is not asked again."""
    return error_number(error) in MYSQL_LOST and not isinstance(
        getattr(error.orig, "__context__", None), TimeoutError
    )


def is_full(error: DBAPIError) -> bool:
    """Say whether the database had no room on its disk, so that nothing was written."""
    if getattr(error.orig, "sqlite_errorcode", None) in _SQLITE_FULL:
        return True
    number = error_number(error)
    return number in MYSQL_FULL or (
        number in MYSQL_WITH_ERRNO and _ERRNO_FULL.search(str(error.orig)) is not None
    )


def raise_translated(error: DBAPIError) -> None:
    """Raise the declared error that a database error stands for, or the error itself.

    Raises: UpstreamUnavailable when the database is away, full of connections, or the conflict stays;
    StorageFull when its disk is full; DeadlineExceeded when a statement ran into its time limit; `error`
    otherwise.
    """
    number = error_number(error)
    if is_full(error):
        raise StorageFull from error
    if number in MYSQL_TIMED_OUT:
        raise DeadlineExceeded from error
    away = number in MYSQL_AWAY or error.connection_invalidated or isinstance(error, InterfaceError)
    if away or is_conflict(error):
        raise UpstreamUnavailable(retry_after_seconds=1.0, service="database") from error
    raise error
