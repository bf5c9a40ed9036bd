"""Connections to other databases, as the operator has set them for each tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.transact import MYSQL_AWAY, error_number
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from shelfcast_data.errors import SourceUnreadable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 600

_READ_ONLY: Final = {
    "mysql": ("SET SESSION TRANSACTION READ ONLY",),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY",),
    "postgresql": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        f"SET statement_timeout = '{READ_SECONDS}s'",
    ),
}
_POSTGRES_AWAY: Final = ("08", "53300", "57P")
"""States of SQL, or how they begin: no connection, too many of them, a server that goes down or comes up."""


@contextmanager
def source_connection(name: str, url: str) -> Iterator[Connection]:
    """Give a connection that only reads, and close it. Raises: SourceUnreadable, UpstreamUnavailable."""
    engine = _engine(name, url)
    try:
        with source_errors(name):
            connection = engine.connect()
        with connection:
            with source_errors(name):
                _only_read(connection)
            yield from _used(connection)
    finally:
        engine.dispose()


@contextmanager
def source_errors(name: str) -> Iterator[None]:
    """Give the errors of another database as our own. Raises: SourceUnreadable, UpstreamUnavailable."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(name, error) from error
    except (SQLAlchemyError, ValueError, TypeError) as error:  # a value that is not of its column's type
        raise SourceUnreadable(connection=name, problem=_words(error)) from error


def _only_read(connection: Connection) -> None:
    for statement in _READ_ONLY.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)
    connection.commit()


def _used(connection: Connection) -> Iterator[Connection]:
    try:
        yield connection
    except BaseException:
        connection.invalidate()  # a driver would read the rest of a long answer to end it in peace
        raise


def _engine(name: str, url: str) -> Engine:
    try:
        address = make_url(url)
        return create_engine(_readable(address), poolclass=NullPool, connect_args=_arguments(address))
    except NoSuchModuleError as error:
        problem = "its URL names a kind of database or driver that is not known here"
        raise SourceUnreadable(connection=name, problem=problem) from error
    except ModuleNotFoundError as error:
        problem = f"the Python package {error.name} is not installed beside the data service"
        raise SourceUnreadable(connection=name, problem=problem) from error
    except ArgumentError as error:
        raise SourceUnreadable(connection=name, problem="its URL is no SQLAlchemy URL") from error


def _readable(address: URL) -> URL:
    """Give the URL; an SQLite file is opened for reading only, so that none is made."""
    if address.get_backend_name() != "sqlite":
        return address
    return address.set(database=f"file:{quote(address.database or '')}", query={"mode": "ro", "uri": "true"})


def _arguments(address: URL) -> dict[str, Any]:
    if address.get_driver_name() == "pymysql":
        return {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "charset": "utf8mb4"}
    if address.get_backend_name() == "postgresql":
        return {"connect_timeout": CONNECT_SECONDS}
    return {}


def _translated(name: str, error: DBAPIError) -> Exception:
    if error.connection_invalidated or _is_away(error):
        return UpstreamUnavailable(retry_after_seconds=10.0, service=name[:64])
    return SourceUnreadable(connection=name, problem=f"its database refuses ({_reason(error)})")


def _is_away(error: DBAPIError) -> bool:
    number = error_number(error)
    if number is not None:
        return number in MYSQL_AWAY
    state: str | None = getattr(error.orig, "sqlstate", "")  # SQLite has none
    if state is None:  # psycopg has not come as far as a state; FATAL begins what a server answers
        return "FATAL" not in str(error.orig)
    return state.startswith(_POSTGRES_AWAY)


def _reason(error: DBAPIError) -> str:
    """Give number or kind of an error: its text may hold what is not for everybody."""
    number = error_number(error)
    return f"error {number}" if number is not None else type(error.orig).__name__


def _words(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__
