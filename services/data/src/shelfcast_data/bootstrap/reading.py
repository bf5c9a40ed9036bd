"""The choice of parts for reads of whole tables of sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.transact import Transactor

from shelfcast_data.adapters.archive.files import ArchiveFiles
from shelfcast_data.adapters.arrow.snapshot_file import SnapshotFiles
from shelfcast_data.adapters.arrow.tables import SalesTables
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.sql.read_route import ReadRoute
from shelfcast_data.adapters.sql.sales_table import SalesTable
from shelfcast_data.adapters.sql.transaction import DataTx

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shelfcast_data.settings import DataSettings

BULK_READ_TIMEOUT_SECONDS: Final = 600


def replica_engine(settings: DataSettings, pool_size: int) -> Engine | None:
    """Give the engine of the replica; None if there is none."""
    if not settings.data_replica_url:
        return None
    return create_service_engine(
        settings.data_replica_url, pool_size=pool_size, read_timeout_seconds=BULK_READ_TIMEOUT_SECONDS
    )


def read_route(store: Transactor[DataTx], replica: Engine | None) -> ReadRoute:
    """Give the choice between a store and its replica."""
    return ReadRoute(store, None if replica is None else Transactor(replica, None, DataTx))


def sales_table(settings: DataSettings, route: ReadRoute) -> SalesTable:
    """Give the rows of views, those of archived months too."""
    return SalesTable(route, ArchiveFiles(Folder(settings.store_url)))


def sales_tables(settings: DataSettings, route: ReadRoute) -> SalesTables:
    """Give whole tables, and snapshots of them."""
    return SalesTables(sales_table(settings, route), SnapshotFiles(Folder(settings.store_url)))
