"""The database that a stack is told to use: made if it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import pymysql

CONNECT_SECONDS: Final = 5


class DatabaseUnavailable(Exception):
    """The database server does not answer or refuses the credential."""


@dataclass(frozen=True, slots=True)
class MysqlAddress:
    """Where a MySQL or MariaDB database is, from its URL."""

    host: str
    """Host of the server."""
    port: int
    """Port of the server."""
    user: str
    """User."""
    password: str
    """Password; empty when none."""
    database: str
    """Name of the database."""


def mysql_address(url: str) -> MysqlAddress | None:
    """Read a SQLAlchemy URL; None when it does not name a MySQL or MariaDB database."""
    parts = urlsplit(url)
    if parts.scheme.partition("+")[0] not in {"mysql", "mariadb"}:
        return None
    return MysqlAddress(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
    )


def ensure_database(url: str) -> None:
    """Create the database that a URL names, if it is missing; other stores make themselves.

    Raises: DatabaseUnavailable.
    """
    address = mysql_address(url)
    if address is None or not address.database:
        return
    name = address.database.replace("`", "``")
    _execute(address, f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")


def server_version(url: str) -> str:
    """Give the version of the MySQL or MariaDB server of a URL; empty for another store.

    Raises: DatabaseUnavailable.
    """
    address = mysql_address(url)
    return "" if address is None else _execute(address, "SELECT VERSION()")


def _execute(address: MysqlAddress, statement: str) -> str:
    try:
        connection = pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            connect_timeout=CONNECT_SECONDS,
        )
    except pymysql.MySQLError as error:
        raise DatabaseUnavailable(f"{address.host}:{address.port}: {error.args[-1]}") from error
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return str(row[0]) if row else ""
