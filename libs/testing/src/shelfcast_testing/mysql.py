"""A MariaDB or MySQL database of a test's own, dropped at its end."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError

from shelfcast_testing.settings import SuiteSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@contextlib.contextmanager
def mysql_database_url(room: str) -> Iterator[str]:
    """Give the URL of a new database `shelfcast_<room>_test_<random>`.

    Leaves the test out when no server answers, or fails it under SHELFCAST_REQUIRE_SERVICES=1.
    """
    settings = SuiteSettings()
    name = f"shelfcast_{room}_test_{secrets.token_hex(4)}"
    server = create_engine(settings.test_mysql_url, connect_args={"connect_timeout": 3})
    try:
        _execute(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4", settings)
        try:
            yield make_url(settings.test_mysql_url).set(database=name).render_as_string(hide_password=False)
        finally:
            _execute(server, f"DROP DATABASE {name}", settings)
    finally:
        server.dispose()


def _execute(server: Engine, statement: str, settings: SuiteSettings) -> None:
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(statement)
    except OperationalError as error:
        if settings.require_services:
            raise
        pytest.skip(f"no MariaDB or MySQL at the test URL: {error.orig}")
