"""One transaction of the data service: everything that a use case may read and write in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.jobs.rows import JobRows

from shelfcast_data.adapters.sql.api_keys import ApiKeyRows, find_key
from shelfcast_data.adapters.sql.category_paths import CategoryPathRows
from shelfcast_data.adapters.sql.entries import EntryRows
from shelfcast_data.adapters.sql.imports import ImportRows
from shelfcast_data.adapters.sql.load import LoadRows
from shelfcast_data.adapters.sql.outbox import tell, tell_all
from shelfcast_data.adapters.sql.pipelines import PipelineRows
from shelfcast_data.adapters.sql.quality import QualityRows
from shelfcast_data.adapters.sql.sales import SalesRows
from shelfcast_data.adapters.sql.schema import JOBS
from shelfcast_data.adapters.sql.sources import SourceRows, due_sources
from shelfcast_data.adapters.sql.stock_counts import StockCountRows
from shelfcast_data.adapters.sql.stock_ledger import StockRows
from shelfcast_data.adapters.sql.stock_levels import InventoryRows
from shelfcast_data.adapters.sql.stockouts import StockoutRows
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.adapters.sql.versions import VersionRows, current_versions
from shelfcast_data.domain.entry import F, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from shelfcast_data.domain.api_key import ApiKey
    from shelfcast_data.domain.data_version import DataVersion
    from shelfcast_data.domain.event import Happening


class DataTx:
    """A transaction; each part is asked for by tenant, so that no row is read without one."""

    def __init__(self, connection: Connection) -> None:
        """Work on `connection`, whose owner commits."""
        self.connection = connection

    def entries(self, kind: Kind[F], tenant: str) -> EntryRows[F]:
        """Give the entries of one kind of a tenant."""
        return EntryRows(self.connection, tenant, kind)

    def category_paths(self, tenant: str) -> CategoryPathRows:
        """Give the paths of a tenant's categories."""
        return CategoryPathRows(self.connection, tenant)

    def api_keys(self, tenant: str) -> ApiKeyRows:
        """Give the API keys of a tenant."""
        return ApiKeyRows(self.connection, tenant)

    def find_key(self, key_id: str) -> ApiKey | None:
        """Give a key of whatever tenant; None if there is none."""
        return find_key(self.connection, key_id)

    def versions(self, tenant: str) -> VersionRows:
        """Give the data versions of a tenant."""
        return VersionRows(self.connection, tenant)

    def sales(self, tenant: str) -> SalesRows:
        """Give the sales of a tenant."""
        return SalesRows(self.connection, tenant)

    def imports(self, tenant: str) -> ImportRows:
        """Give the imports of a tenant."""
        return ImportRows(self.connection, tenant)

    def pipelines(self, tenant: str) -> PipelineRows:
        """Give the versions of a tenant's pipelines."""
        return PipelineRows(self.connection, tenant)

    def load(self, tenant: str, load_no: int) -> LoadRows:
        """Give the rows of a load of a tenant, to be written."""
        return LoadRows(self.connection, tenant, load_no)

    def stock(self, tenant: str) -> StockRows:
        """Give the stock ledger of a tenant."""
        return StockRows(self.connection, tenant)

    def stock_counts(self, tenant: str) -> StockCountRows:
        """Give a count sheet of a tenant, to be filled."""
        return StockCountRows(self.connection, tenant)

    def inventory(self, tenant: str) -> InventoryRows:
        """Give the levels of a tenant."""
        return InventoryRows(self.connection, tenant)

    def stockouts(self, tenant: str) -> StockoutRows:
        """Give what is known of the availability of a tenant's products."""
        return StockoutRows(self.connection, tenant)

    def quality(self, tenant: str) -> QualityRows:
        """Give the checks of a tenant's sales."""
        return QualityRows(self.connection, tenant)

    def sources(self, tenant: str) -> SourceRows:
        """Give what has become of a tenant's import sources."""
        return SourceRows(self.connection, tenant)

    def due_sources(self, limit: int) -> Sequence[tuple[str, str]]:
        """Give tenant and name of up to `limit` import sources whose time has come."""
        return due_sources(self.connection, limit)

    def jobs(self) -> JobRows:
        """Give the job table."""
        return JobRows(self.connection, JOBS)

    def ensure_tenant(self, tenant: str) -> None:
        """Make the tenant known, so that its data version is announced."""
        TenantRows(self.connection).ensured(tenant)

    def hold(self, tenant: str) -> None:
        """Let nobody else change the tenant's catalogue until the commit."""
        tenants = TenantRows(self.connection)
        tenants.lock(tenants.ensured(tenant))

    def current_versions(self) -> Mapping[str, str]:
        """Give the newest data version of every tenant."""
        return current_versions(self.connection)

    def touched(self, tenant: str, cause: str) -> DataVersion:
        """Make a new data version because the catalogue has changed."""
        return self.versions(tenant).publish(None, cause, 0)

    def tell(self, tenant: str, happening: Happening, version: DataVersion | None = None) -> None:
        """Tell the world of a change if it is committed; after the version that it made."""
        tell(self.connection, tenant, happening, "" if version is None else version.name)

    def tell_all(self, tenant: str, happenings: Sequence[Happening], version: DataVersion) -> None:
        """Do as `tell` for several changes of one version."""
        tell_all(self.connection, tenant, happenings, version)
