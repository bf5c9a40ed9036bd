"""The parts of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.jobs.runner import RunnerOptions
from shelfcast_servicekit.jobs.worker import WorkerOptions, run_worker
from shelfcast_servicekit.transact import Transactor

from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.files.reject_parts import RejectParts
from shelfcast_data.adapters.files.sales_file import SalesFiles
from shelfcast_data.adapters.files.uploads import FolderUploads
from shelfcast_data.adapters.redis.announcer import WorkerAnnouncer
from shelfcast_data.adapters.sql.sales_table import READERS
from shelfcast_data.adapters.sql.schema import JOB_PREFIX
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.check_quality import CheckQuality
from shelfcast_data.application.import_sales import ImportSales
from shelfcast_data.application.keep_rejects import RejectKeeper
from shelfcast_data.application.receive_import import JOB_KIND
from shelfcast_data.application.schedule_check import CheckSchedule
from shelfcast_data.bootstrap.reading import (
    BULK_READ_TIMEOUT_SECONDS,
    read_route,
    replica_engine,
    sales_table,
)
from shelfcast_data.bootstrap.server import worker_pool_size
from shelfcast_data.bootstrap.source import SourceHandlers
from shelfcast_data.domain.quality import JOB_KIND as CHECK_KIND
from shelfcast_data.entrypoints.worker import ImportHandler, QualityHandler

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.context import JobContext, JobHandler
    from sqlalchemy import Engine

    from shelfcast_data.settings import DataSettings
from shelfcast_data.bootstrap.files import file_limits
from shelfcast_data.bootstrap.queue import QUEUE

LEAST_ROWS_AT_ONCE: Final = 100


NARROW_ROW_BYTES: Final = 40
"""Bytes of a short row of a file: so many rows are added up at once as a chunk may hold."""


def import_handler(settings: DataSettings, engine: Engine, *, is_feed: bool = False) -> ImportHandler:
    """Give the handler of import jobs, which writes through `engine`.

    is_feed: whether the same bytes may mean something new, as those of a table do.
    """
    store: Transactor[DataTx] = Transactor(engine, None, DataTx)
    folder = Folder(settings.store_url)
    files = SalesFiles(folder, file_limits(settings))
    rejects = RejectKeeper(RejectParts(folder), settings.import_max_reject_bytes)
    rows_at_once = max(LEAST_ROWS_AT_ONCE, settings.import_chunk_bytes // NARROW_ROW_BYTES)
    announcer = WorkerAnnouncer(settings.redis_url)
    checks = CheckSchedule(60.0 * settings.quality_check_minutes or None)
    imports = ImportSales(store, files, rejects, rows_at_once, checks, is_feed)
    return ImportHandler(imports, _fence, announcer.announce)


def source_handlers(settings: DataSettings, engine: Engine) -> dict[str, JobHandler]:
    """Give the handlers of imports by URL and from tables, by kind of job."""
    store: Transactor[DataTx] = Transactor(engine, None, DataTx)
    uploads = FolderUploads(Folder(settings.store_url), file_limits(settings), settings.import_max_bytes)
    files, feeds = (import_handler(settings, engine, is_feed=each) for each in (False, True))
    return SourceHandlers(settings, store, uploads).by_kind(files, feeds)


def quality_handler(settings: DataSettings, engine: Engine, replica: Engine | None = None) -> QualityHandler:
    """Give the handler of checks, which writes through `engine` and reads through `replica` where it can."""
    store: Transactor[DataTx] = Transactor(engine, None, DataTx)
    table = sales_table(settings, read_route(store, replica))
    return QualityHandler(CheckQuality(store, table), _fence)


def _fence(context: JobContext, tx: object) -> None:
    if not isinstance(tx, DataTx):
        raise TypeError("a fence needs a transaction of this service")
    context.guard(tx.connection)


def work(settings: DataSettings) -> None:
    """Run imports and checks until SIGTERM."""
    engine = create_service_engine(
        settings.database_url,
        pool_size=worker_pool_size(settings),
        local_infile=True,
        read_timeout_seconds=BULK_READ_TIMEOUT_SECONDS,
    )
    options = WorkerOptions(
        RunnerOptions("shelfcast_data"), table_prefix=JOB_PREFIX, concurrency=settings.worker_concurrency
    )
    replica = replica_engine(settings, settings.worker_concurrency * READERS)
    handlers: dict[str, JobHandler] = {
        JOB_KIND: import_handler(settings, engine),
        CHECK_KIND: quality_handler(settings, engine, replica),
        **source_handlers(settings, engine),
    }
    run_worker(settings, handlers, QUEUE, options)
