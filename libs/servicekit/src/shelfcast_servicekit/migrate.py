"""Alembic, run from an installed package and without a configuration file."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from shelfcast_servicekit.engine import create_service_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from alembic.runtime.environment import EnvironmentContext
    from sqlalchemy.engine import Connection

_LOCK_SECONDS: Final = 60
"""How long a second migrator waits for the first."""

__all__ = ["downgrade", "newest_revision", "run_environment", "stored_revision", "upgrade"]


def upgrade(url: str, script_location: str, version_table: str) -> None:
    """Bring a database to the newest revision.

    script_location: Alembic's form `package:folder`, for instance `shelfcast_data:migrations`, or a path.
    version_table: table that remembers the revision, for instance `data_alembic_version`.
    The scripts' `env.py` holds one line: `run_environment(context)`.
    """
    _run(url, script_location, version_table, lambda config: command.upgrade(config, "head"))


def downgrade(url: str, script_location: str, version_table: str, revision: str) -> None:
    """Bring a database back to a revision; what later revisions brought is lost. Arguments as of `upgrade`.

    revision: id of a revision, `base` or, for one step, `-1`.
    """
    _run(url, script_location, version_table, lambda config: command.downgrade(config, revision))


def _run(url: str, script_location: str, version_table: str, work: Callable[[Config], None]) -> None:
    config = _config(script_location)
    config.attributes["version_table"] = version_table
    engine = create_service_engine(url, pool_size=1, traced=False, read_timeout_seconds=3600)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            with _lock(connection, version_table):
                work(config)
    finally:
        engine.dispose()


def _config(script_location: str) -> Config:
    config = Config()
    config.set_main_option("script_location", script_location)
    config.set_main_option("path_separator", "os")
    return config


def newest_revision(script_location: str) -> str | None:
    """Give the revision that `upgrade` leads to; None where there are no scripts."""
    return ScriptDirectory.from_config(_config(script_location)).get_current_head()


def stored_revision(connection: Connection, version_table: str) -> str | None:
    """Give the revision that a database is at; None before the first."""
    options = {"version_table": version_table}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _lock(connection: Connection, name: str) -> AbstractContextManager[None]:
    """Let one migrator work at a time: services of one machine start together."""
    is_file = connection.dialect.name == "sqlite"
    return _file_lock(connection) if is_file else _named_lock(connection, name)


@contextlib.contextmanager
def _file_lock(connection: Connection) -> Iterator[None]:
    """Hold a lock file beside the SQLite file: its own locks end with each statement of a migration."""
    database = connection.engine.url.database
    if not database or database == ":memory:":
        yield
        return
    with Path(f"{database}.migrate.lock").open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _named_lock(connection: Connection, name: str) -> Iterator[None]:
    """Hold a server-wide lock of the database, which ends with the connection if not before."""
    lock = f"shelfcast:{connection.engine.url.database}:{name}"[:64]
    connection.exec_driver_sql("SELECT GET_LOCK(%s, %s)", (lock, _LOCK_SECONDS))
    connection.commit()
    try:
        yield
    finally:
        connection.exec_driver_sql("SELECT RELEASE_LOCK(%s)", (lock,))
        connection.commit()


def run_environment(context: EnvironmentContext) -> None:
    """Run the migrations inside Alembic's `env.py`; pass `alembic.context`."""
    attributes = context.config.attributes
    connection: Connection = attributes["connection"]
    context.configure(
        connection=connection,
        version_table=attributes["version_table"],
        transaction_per_migration=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
