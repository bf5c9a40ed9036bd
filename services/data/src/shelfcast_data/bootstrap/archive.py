"""The choice of parts for moving old months of sales out of the database and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.transact import Transactor

from shelfcast_data.adapters.archive.archiver import GRACE_SECONDS, SalesArchiver
from shelfcast_data.adapters.archive.files import ArchiveFiles
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.bootstrap.database import at_newest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Engine

    from shelfcast_data.adapters.archive.archiver import ArchiveReport
    from shelfcast_data.settings import DataSettings


def archive(
    settings: DataSettings, tenant: str, before: date, grace_seconds: float = GRACE_SECONDS
) -> ArchiveReport:
    """Move the sales of a tenant before a month into files. Raises: OperationRefused, StorageFull."""
    with at_newest(settings) as (engine, _):
        return archiver(settings, engine, tenant, grace_seconds).archive(before)


def unarchive(settings: DataSettings, tenant: str, first: date) -> ArchiveReport:
    """Bring the archived sales of a tenant from a month on back. Raises: OperationRefused."""
    with at_newest(settings) as (engine, _):
        return archiver(settings, engine, tenant).bring_back(first)


def tenants(settings: DataSettings) -> Sequence[str]:
    """Give all tenants. Raises: OperationRefused."""
    with at_newest(settings) as (engine, _):
        return tenants_of(engine)


def tenants_of(engine: Engine) -> Sequence[str]:
    """Give all tenants that have written anything."""
    store: Transactor[DataTx] = Transactor(engine, None, DataTx)
    return sorted(store.read_sync(lambda tx: tx.current_versions()))


def archiver(
    settings: DataSettings, engine: Engine, tenant: str, grace_seconds: float = GRACE_SECONDS
) -> SalesArchiver:
    """Give what moves the months of a tenant."""
    store: Transactor[DataTx] = Transactor(engine, None, DataTx)
    return SalesArchiver(store, ArchiveFiles(Folder(settings.store_url)), tenant, grace_seconds)
