"""What the operator does at the command line."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import orjson
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.transact import Transactor

from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.backup.restore import BackupRestorer
from shelfcast_data.adapters.backup.take import BackupTaker
from shelfcast_data.adapters.declared_permissions import declared_permissions
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.sql.personal import PersonalRows
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.keep_api_keys import ApiKeyRing

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from shelfcast_data.adapters.backup.manifest import Manifest
    from shelfcast_data.settings import DataSettings
from shelfcast_data.bootstrap.database import at_newest, migrate


async def create_api_key(settings: DataSettings, tenant: str, role: str, name: str) -> str:
    """Make an API key; give its secret, which is kept nowhere. Raises: RoleUnknown."""
    if settings.mode == "embedded":
        await asyncio.to_thread(migrate, settings)
    engine = create_service_engine(settings.database_url, pool_size=1, traced=False)
    executor = BlockingExecutor("database", 1)
    try:
        ring = ApiKeyRing(Transactor(engine, executor, DataTx), declared_permissions())
        return (await ring.create(tenant, name, role))[1]
    finally:
        executor.close()
        engine.dispose()


def backup(settings: DataSettings, folder: Path) -> Manifest:
    """Write a backup while the service runs. Raises: OperationRefused, StorageFull."""
    with at_newest(settings) as (engine, revision):
        return BackupTaker(engine, Folder(settings.store_url), revision).take(folder)


def restore(settings: DataSettings, folder: Path) -> Manifest:
    """Load a backup into an empty database. Raises: OperationRefused, StorageFull."""
    with at_newest(settings) as (engine, revision):
        return BackupRestorer(engine, Folder(settings.store_url), revision).restore(folder)


def export_principal(settings: DataSettings, tenant: str, name: str) -> bytes:
    """Give what is stored of a person as JSON. Raises: OperationRefused if that is nothing."""
    with at_newest(settings) as (engine, _):
        store: Transactor[Connection] = Transactor(engine, None, lambda connection: connection)
        found = store.read_sync(lambda connection: PersonalRows(connection, tenant, name).export())
    if not any(found.values()):
        raise OperationRefused(
            f"Nothing is stored of {name} in {tenant}. Names are compared letter by letter."
        )
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def erase_principal(settings: DataSettings, tenant: str, name: str) -> str:
    """Put a pseudonym, which nobody can trace back, in the place of a person's names; give it."""
    pseudonym = f"erased:{uuid.uuid4().hex}"
    with at_newest(settings) as (engine, _):
        store: Transactor[Connection] = Transactor(engine, None, lambda connection: connection)
        store.transact_sync(lambda connection: PersonalRows(connection, tenant, name).erase(pseudonym))
    return pseudonym
