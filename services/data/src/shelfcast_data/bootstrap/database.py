"""The database of the service, at its newest revision."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.migrate import newest_revision, stored_revision, upgrade

from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.bootstrap.reading import (
    BULK_READ_TIMEOUT_SECONDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from shelfcast_data.settings import DataSettings

MIGRATIONS: Final = "shelfcast_data:migrations"


VERSION_TABLE: Final = "data_alembic_version"


def migrate(settings: DataSettings) -> None:
    """Bring the database to the newest revision."""
    upgrade(settings.database_url, MIGRATIONS, VERSION_TABLE)


@contextmanager
def at_newest(settings: DataSettings) -> Iterator[tuple[Engine, str]]:
    """Give the engine and the revision of the schema. Raises: OperationRefused if it is not the newest."""
    engine = create_service_engine(
        settings.database_url, pool_size=1, traced=False, read_timeout_seconds=BULK_READ_TIMEOUT_SECONDS
    )
    try:
        with engine.connect() as connection:
            stored, newest = stored_revision(connection, VERSION_TABLE), newest_revision(MIGRATIONS)
        if stored is None or stored != newest:
            raise OperationRefused(
                f"The database is at schema revision {stored or 'none'}, this release needs {newest}. Run"
                " `python -m shelfcast_data migrate` first."
            )
        yield engine, stored
    finally:
        engine.dispose()
