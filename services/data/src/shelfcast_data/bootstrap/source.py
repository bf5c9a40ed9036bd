"""The choice of the parts that import by URL and from tables of other databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelfcast.ingestion.v1 import import_source_service_pb2_grpc
from shelfcast_servicekit.server import Registration

from shelfcast_data.adapters.http.remote_files import HttpFiles
from shelfcast_data.adapters.source.tables import DatabaseTables
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.bring_file import FileKeeper
from shelfcast_data.application.catalogue import Catalogue
from shelfcast_data.application.fetch_import import JOB_KIND as FETCH_KIND
from shelfcast_data.application.fetch_import import FetchFile
from shelfcast_data.application.read_source import ReadSource
from shelfcast_data.application.run_source import JOB_KIND as TABLE_KIND
from shelfcast_data.application.run_source import SourceRule, SourceRuns
from shelfcast_data.domain.import_host import import_hosts
from shelfcast_data.domain.import_source import IMPORT_SOURCE
from shelfcast_data.entrypoints.grpc.desk import EntryDesk
from shelfcast_data.entrypoints.grpc.import_source_servicer import IMPORT_SOURCE_FORM, ImportSourceServicer
from shelfcast_data.entrypoints.source_worker import FetchHandler, SourceHandler

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.context import JobContext, JobHandler
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.entrypoints.source_worker import Noted
    from shelfcast_data.entrypoints.worker import ImportHandler
    from shelfcast_data.ports.imports import Uploads
    from shelfcast_data.ports.sales import Announcer
    from shelfcast_data.ports.store import Store, WorkerStore
    from shelfcast_data.settings import DataSettings


@dataclass(frozen=True, slots=True)
class SourceServicers:
    """Makes the RPC service of import sources."""

    settings: DataSettings
    store: Store
    announcer: Announcer
    tokens: PageTokens

    def registration(self, runs: SourceRuns) -> Registration:
        """Serve import sources."""
        rule = SourceRule(DatabaseTables(self.settings.source_urls()).connections)
        sources = Catalogue(self.store, self.announcer, IMPORT_SOURCE, rule.rules)
        return Registration(
            import_source_service_pb2_grpc.add_ImportSourceServiceServicer_to_server,
            ImportSourceServicer(EntryDesk(sources, IMPORT_SOURCE_FORM, self.tokens), runs),
            "shelfcast.ingestion.v1.ImportSourceService",
        )


@dataclass(frozen=True, slots=True)
class SourceHandlers:
    """Makes the handlers of the jobs that bring files in."""

    settings: DataSettings
    store: WorkerStore
    uploads: Uploads

    def by_kind(self, files: ImportHandler, feeds: ImportHandler) -> dict[str, JobHandler]:
        """Give them by kind of job.

        files, feeds: load what was brought in; the same bytes mean the same in files, but not in tables.
        """
        keeper = FileKeeper(self.store, self.uploads)
        hosts = import_hosts(self.settings.data_import_hosts)
        remote = HttpFiles(hosts, self.settings.import_fetch_seconds)
        tables = DatabaseTables(self.settings.source_urls())
        return {
            FETCH_KIND: FetchHandler(FetchFile(remote, keeper), files, _fence),
            TABLE_KIND: SourceHandler(ReadSource(tables, keeper), feeds, _fence),
        }


def _fence(context: JobContext, tx: object, checkpoint: Noted) -> None:
    if not isinstance(tx, DataTx):
        raise TypeError("a fence needs a transaction of this service")
    context.guard(tx.connection, checkpoint)
