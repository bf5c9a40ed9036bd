"""The parts of the serving process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast.exports.v1 import export_service_pb2_grpc
from shelfcast.identity.v1 import api_key_service_pb2_grpc
from shelfcast.ingestion.v1 import (
    import_mapping_service_pb2_grpc,
    import_service_pb2_grpc,
    pipeline_service_pb2_grpc,
    schema_service_pb2_grpc,
)
from shelfcast.inventory.v1 import inventory_service_pb2_grpc, stock_movement_service_pb2_grpc
from shelfcast.jobs.v1 import job_service_pb2_grpc
from shelfcast.quality.v1 import quality_service_pb2_grpc
from shelfcast.sales.v1 import data_version_service_pb2_grpc, sale_service_pb2_grpc
from shelfcast_servicekit.auth import ChainVerifier, TokenVerifier
from shelfcast_servicekit.cache import redis_client
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.delivery import JobPublisher
from shelfcast_servicekit.jobs.servicer import SERVICE_NAME as JOB_SERVICE
from shelfcast_servicekit.jobs.servicer import JobServicer
from shelfcast_servicekit.jobs.store import JobStore
from shelfcast_servicekit.jobs.sweeper import JobSweeper
from shelfcast_servicekit.paging import PageTokens
from shelfcast_servicekit.server import Registration, serve
from shelfcast_servicekit.telemetry import setup_telemetry
from shelfcast_servicekit.transact import Transactor
from shelfcast_servicekit.version import VersionBeacon

from shelfcast_data.adapters.declared_permissions import declared_permissions
from shelfcast_data.adapters.export.sheets import ExportFiles
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.files.reject_parts import RejectParts
from shelfcast_data.adapters.files.uploads import FolderUploads
from shelfcast_data.adapters.redis.announcer import DATA_VERSION
from shelfcast_data.adapters.sql.sales_table import READERS
from shelfcast_data.adapters.sql.schema import JOBS
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.catalogue import Catalogue
from shelfcast_data.application.count_stock import StockTaking
from shelfcast_data.application.fetch_import import FetchImport
from shelfcast_data.application.hand_out_exports import ExportOutlet
from shelfcast_data.application.hand_out_rejects import RejectOutlet
from shelfcast_data.application.hand_out_sales import SalesOutlet
from shelfcast_data.application.keep_api_keys import ApiKeyRing
from shelfcast_data.application.keep_stock import StockLedger
from shelfcast_data.application.pipeline_rule import PIPELINE_RULES
from shelfcast_data.application.read_history import SalesHistory
from shelfcast_data.application.read_inventory import InventoryBook
from shelfcast_data.application.read_pipelines import PipelineBook
from shelfcast_data.application.read_quality import QualityBook
from shelfcast_data.application.receive_import import ImportList, ReceiveImport
from shelfcast_data.application.record_sales import SalesBook
from shelfcast_data.application.run_source import SourceRuns
from shelfcast_data.application.tell_versions import VersionBook
from shelfcast_data.application.undo_import import UndoImport
from shelfcast_data.bootstrap.catalogue import CatalogueServicers
from shelfcast_data.bootstrap.outbox import RelayedAnnouncer, event_relay
from shelfcast_data.bootstrap.reading import (
    read_route,
    replica_engine,
    sales_tables,
)
from shelfcast_data.bootstrap.server import TABLE_THREADS, server_pool_size, warn_of_server
from shelfcast_data.bootstrap.source import SourceServicers
from shelfcast_data.domain.import_host import import_hosts
from shelfcast_data.domain.import_mapping import IMPORT_MAPPING
from shelfcast_data.domain.pipeline import PIPELINE
from shelfcast_data.entrypoints.grpc.desk import EntryDesk
from shelfcast_data.entrypoints.grpc.export_servicer import ExportServicer
from shelfcast_data.entrypoints.grpc.identity_servicer import ApiKeyServicer
from shelfcast_data.entrypoints.grpc.import_mapping_servicer import IMPORT_MAPPING_FORM, ImportMappingServicer
from shelfcast_data.entrypoints.grpc.import_servicer import ImportServicer
from shelfcast_data.entrypoints.grpc.inventory_servicer import InventoryServicer
from shelfcast_data.entrypoints.grpc.list_table import list_tables
from shelfcast_data.entrypoints.grpc.pipeline_mapping import PIPELINE_FORM
from shelfcast_data.entrypoints.grpc.pipeline_servicer import PipelineServicer
from shelfcast_data.entrypoints.grpc.quality_servicer import QualityServicer
from shelfcast_data.entrypoints.grpc.sales_servicer import DataVersionServicer, SaleServicer
from shelfcast_data.entrypoints.grpc.schema_servicer import SchemaServicer
from shelfcast_data.entrypoints.grpc.stock_servicer import StockMovementServicer
from shelfcast_data.entrypoints.schedule_loop import ScheduleLoop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shelfcast_servicekit.lifecycle import Hook
    from sqlalchemy import Engine

    from shelfcast_data.adapters.redis.event_stream import RedisEventStream
    from shelfcast_data.adapters.sql.read_route import ReadRoute
    from shelfcast_data.application.relay_events import EventRelay
    from shelfcast_data.settings import DataSettings
from shelfcast_data.bootstrap.database import migrate
from shelfcast_data.bootstrap.files import file_limits
from shelfcast_data.bootstrap.queue import QUEUE

FILE_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of while it runs; make it on the event loop."""

    registrations: list[Registration]
    verifier: ChainVerifier
    beacon: VersionBeacon
    sweeper: JobSweeper
    relay: EventRelay
    stream: RedisEventStream
    schedules: ScheduleLoop
    engine: Engine
    replica: Engine | None
    executors: tuple[BlockingExecutor, ...]

    async def close(self) -> None:
        """Let go of threads and connections."""
        await self.stream.close()
        for executor in self.executors:
            await asyncio.to_thread(executor.close)
        self.engine.dispose()
        if self.replica is not None:
            self.replica.dispose()


def build(settings: DataSettings) -> Parts:
    """Choose the parts of the service."""
    engine = create_service_engine(settings.database_url, pool_size=server_pool_size(settings))
    database = BlockingExecutor("database", settings.database_threads)
    tables, files = BlockingExecutor("tables", TABLE_THREADS), BlockingExecutor("files", FILE_THREADS)
    exports = BlockingExecutor("exports", TABLE_THREADS)  # a slow download does not hold up a training
    store: Transactor[DataTx] = Transactor(engine, database, DataTx)
    replica = replica_engine(settings, 2 * TABLE_THREADS * READERS)
    beacon = VersionBeacon(redis_client(settings.redis_url), DATA_VERSION, lambda: _all_versions(store))
    jobs = JobStore(engine, database, JOBS)
    sweeper = JobSweeper(jobs, JobPublisher(settings.redis_url, QUEUE))
    key = settings.token_key()
    keys = ApiKeyRing(store, declared_permissions())
    verifier = ChainVerifier(TokenVerifier(key, settings.service_name), keys.caller_of)
    relay, stream = event_relay(settings, engine, database)
    announcer = RelayedAnnouncer(beacon, relay)
    servicers = _Servicers(settings, store, announcer, PageTokens(key), read_route(store, replica))
    runs = SourceRuns(store, sweeper.wake)
    registrations = [
        *CatalogueServicers(store, announcer, servicers.tokens).registrations(files),
        *servicers.sales(tables),
        *servicers.stock(tables),
        *servicers.imports(files, sweeper),
        SourceServicers(settings, store, announcer, servicers.tokens).registration(runs),
        *servicers.preparation(),
        servicers.quality(sweeper),
        servicers.identity(keys),
        servicers.jobs(jobs, sweeper),
    ]
    registrations.append(servicers.exports(exports, registrations))
    loop = ScheduleLoop(runs)
    executors = (database, tables, files, exports)
    return Parts(registrations, verifier, beacon, sweeper, relay, stream, loop, engine, replica, executors)


async def _all_versions(store: Transactor[DataTx]) -> Mapping[str, str]:
    return await store.read(lambda tx: tx.current_versions())


@dataclass(frozen=True, slots=True)
class _Servicers:
    """Makes the RPC services."""

    settings: DataSettings
    store: Transactor[DataTx]
    announcer: RelayedAnnouncer
    tokens: PageTokens
    route: ReadRoute

    def sales(self, executor: BlockingExecutor) -> list[Registration]:
        """Serve sales and data versions."""
        outlet = SalesOutlet(self.store, sales_tables(self.settings, self.route), executor)
        return [
            Registration(
                sale_service_pb2_grpc.add_SaleServiceServicer_to_server,
                SaleServicer(SalesBook(self.store, self.announcer), SalesHistory(self.store), self.tokens),
                "shelfcast.sales.v1.SaleService",
            ),
            Registration(
                data_version_service_pb2_grpc.add_DataVersionServiceServicer_to_server,
                DataVersionServicer(outlet, VersionBook(self.store), self.tokens),
                "shelfcast.sales.v1.DataVersionService",
            ),
        ]

    def stock(self, executor: BlockingExecutor) -> list[Registration]:
        """Serve the stock ledger and what follows from it."""
        inventory = InventoryServicer(
            InventoryBook(self.store), StockTaking(self.store, executor), self.tokens
        )
        return [
            Registration(
                inventory_service_pb2_grpc.add_InventoryServiceServicer_to_server,
                inventory,
                "shelfcast.inventory.v1.InventoryService",
            ),
            Registration(
                stock_movement_service_pb2_grpc.add_StockMovementServiceServicer_to_server,
                StockMovementServicer(StockLedger(self.store), self.tokens),
                "shelfcast.inventory.v1.StockMovementService",
            ),
        ]

    def imports(self, executor: BlockingExecutor, sweeper: JobSweeper) -> list[Registration]:
        """Serve imports."""
        folder = Folder(self.settings.store_url)
        mappings = Catalogue(self.store, self.announcer, IMPORT_MAPPING)
        uploads = FolderUploads(folder, file_limits(self.settings), self.settings.import_max_bytes)
        receive = ReceiveImport(self.store, uploads, executor, sweeper.wake)
        fetch = FetchImport(self.store, import_hosts(self.settings.data_import_hosts), sweeper.wake)
        undo = UndoImport(self.store, self.announcer)
        rejects = RejectOutlet(self.store, RejectParts(folder), executor)
        return [
            Registration(
                import_service_pb2_grpc.add_ImportServiceServicer_to_server,
                ImportServicer(
                    receive,
                    fetch,
                    ImportList(self.store),
                    undo,
                    rejects,
                    self.tokens,
                ),
                "shelfcast.ingestion.v1.ImportService",
            ),
            Registration(
                import_mapping_service_pb2_grpc.add_ImportMappingServiceServicer_to_server,
                ImportMappingServicer(EntryDesk(mappings, IMPORT_MAPPING_FORM, self.tokens)),
                "shelfcast.ingestion.v1.ImportMappingService",
            ),
        ]

    def preparation(self) -> list[Registration]:
        """Serve pipelines and schemas."""
        pipelines = Catalogue(self.store, self.announcer, PIPELINE, PIPELINE_RULES)
        desk = EntryDesk(pipelines, PIPELINE_FORM, self.tokens)
        return [
            Registration(
                pipeline_service_pb2_grpc.add_PipelineServiceServicer_to_server,
                PipelineServicer(desk, PipelineBook(self.store), self.tokens),
                "shelfcast.ingestion.v1.PipelineService",
            ),
            Registration(
                schema_service_pb2_grpc.add_SchemaServiceServicer_to_server,
                SchemaServicer(),
                "shelfcast.ingestion.v1.SchemaService",
            ),
        ]

    def quality(self, sweeper: JobSweeper) -> Registration:
        """Serve checks of the sales."""
        return Registration(
            quality_service_pb2_grpc.add_QualityServiceServicer_to_server,
            QualityServicer(QualityBook(self.store, sweeper.wake), self.tokens),
            "shelfcast.quality.v1.QualityService",
        )

    def exports(self, executor: BlockingExecutor, lists: Iterable[Registration]) -> Registration:
        """Serve sales, and every list of other services here, as files."""
        tables = sales_tables(self.settings, self.route)
        outlet = ExportOutlet(self.store, tables, ExportFiles(self.settings.data_dir / "exports"), executor)
        return Registration(
            export_service_pb2_grpc.add_ExportServiceServicer_to_server,
            ExportServicer(outlet, list_tables(lists)),
            "shelfcast.exports.v1.ExportService",
        )

    def identity(self, keys: ApiKeyRing) -> Registration:
        """Serve API keys."""
        return Registration(
            api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server,
            ApiKeyServicer(keys, self.tokens),
            "shelfcast.identity.v1.ApiKeyService",
        )

    def jobs(self, jobs: JobStore, sweeper: JobSweeper) -> Registration:
        """Serve jobs."""
        servicer = JobServicer(jobs, self.tokens, sweeper.wake)
        return Registration(job_service_pb2_grpc.add_JobServiceServicer_to_server, servicer, JOB_SERVICE)


async def run(settings: DataSettings, rounds: Sequence[Hook] = ()) -> None:
    """Serve until SIGTERM or SIGINT. rounds: what else is done in the background, for ever."""
    telemetry = setup_telemetry(settings.service_name, settings)
    if settings.mode == "embedded":
        await asyncio.to_thread(migrate, settings)
    await asyncio.to_thread(warn_of_server, settings)
    parts = build(settings)
    await serve(
        settings,
        parts.registrations,
        parts.verifier,
        on_stop=parts.close,
        background=[parts.beacon.run, parts.sweeper.run, parts.relay.run, parts.schedules.run, *rounds],
        telemetry=telemetry,
        share_port=settings.share_port,
    )
