"""A data service in this process, on SQLite and on MariaDB, with its worker run by hand."""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from shelfcast.catalog.v1 import (
    category_service_pb2_grpc,
    closure_service_pb2_grpc,
    holiday_service_pb2_grpc,
    price_change_service_pb2_grpc,
    product_service_pb2_grpc,
    promotion_service_pb2_grpc,
    shop_service_pb2_grpc,
    supplier_service_pb2_grpc,
    supplier_terms_service_pb2_grpc,
)
from shelfcast.exports.v1 import export_service_pb2_grpc
from shelfcast.identity.v1 import api_key_service_pb2_grpc
from shelfcast.ingestion.v1 import (
    import_pb2,
    import_service_pb2,
    import_service_pb2_grpc,
    import_source_service_pb2_grpc,
    pipeline_service_pb2_grpc,
    schema_service_pb2_grpc,
)
from shelfcast.inventory.v1 import inventory_service_pb2_grpc, stock_movement_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast.quality.v1 import quality_service_pb2_grpc
from shelfcast.sales.v1 import data_version_service_pb2_grpc, sale_service_pb2_grpc
from shelfcast_data.adapters.sql.schema import JOBS
from shelfcast_data.application.receive_import import JOB_KIND
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.bootstrap.database import MIGRATIONS, VERSION_TABLE
from shelfcast_data.bootstrap.service import Parts, build
from shelfcast_data.bootstrap.worker import import_handler, quality_handler, source_handlers
from shelfcast_data.domain.quality import JOB_KIND as CHECK_KIND
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.jobs.context import JobHandler
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions
from shelfcast_servicekit.jobs.store import JobLedger
from shelfcast_servicekit.migrate import upgrade
from shelfcast_servicekit.server import RunningServer, start_server
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

MYSQL = os.environ.get(  # noqa: TID251 - tests have no settings
    "SHELFCAST_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/"
)
IS_REQUIRED = os.environ.get("SHELFCAST_REQUIRE_SERVICES") == "1"  # noqa: TID251 - tests have no settings
PIECE = 64 * 1024
STORES = ("sqlite", pytest.param("mysql", marks=pytest.mark.mysql))


@contextmanager
def mysql_database() -> Iterator[tuple[str, Engine]]:
    """Give the name of an empty database, and an engine beside it."""
    name = f"shelfcast_data_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(MYSQL)
    try:
        with admin.begin() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        if IS_REQUIRED:
            raise
        pytest.skip("no MariaDB answers")
    try:
        yield name, admin
    finally:
        with admin.begin() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()


@contextmanager
def made_database(store: str, folder: Path) -> Iterator[str]:
    """Make an empty database, on SQLite in a folder, and drop it afterwards."""
    if store == "sqlite":
        yield f"sqlite:///{folder}/empty.sqlite"
        return
    with mysql_database() as (name, _):
        yield f"{MYSQL}{name}"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "data.sqlite"
    upgrade(f"sqlite:///{path}", MIGRATIONS, VERSION_TABLE)
    return path


@pytest.fixture(scope="session")
def migrated_database() -> Iterator[str]:
    """Give the name of a migrated MariaDB database, to be copied."""
    with mysql_database() as (name, _):
        upgrade(f"{MYSQL}{name}", MIGRATIONS, VERSION_TABLE)
        yield name


@pytest.fixture(params=STORES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give a migrated database of its own; copying tables takes a tenth of the time of migrating."""
    if request.param == "sqlite":
        path = tmp_path / "data.sqlite"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("migrated_database")
    with mysql_database() as (name, admin):
        with admin.begin() as connection:
            for table in connection.execute(text(f"SHOW TABLES FROM {template}")).scalars():
                connection.execute(text(f"CREATE TABLE {name}.{table} LIKE {template}.{table}"))
            head = f"INSERT INTO {name}.{VERSION_TABLE} SELECT * FROM {template}.{VERSION_TABLE}"
            connection.execute(text(head))
        yield f"{MYSQL}{name}"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> DataSettings:
    return DataSettings(
        data_dir=tmp_path / "var",
        database_url=database_url,
        port=0,
        redis_url="redis://127.0.0.1:1/0",
        otel_exporter_otlp_endpoint="none",
        import_chunk_bytes=1024,
        quality_check_minutes=0,
    )


@dataclass
class Service:
    """A running data service and its clients."""

    settings: DataSettings
    server: RunningServer
    parts: Parts
    worker_engine: Engine
    channel: grpc.aio.Channel
    key: str

    def __post_init__(self) -> None:
        self.products = product_service_pb2_grpc.ProductServiceStub(self.channel)
        self.shops = shop_service_pb2_grpc.ShopServiceStub(self.channel)
        self.categories = category_service_pb2_grpc.CategoryServiceStub(self.channel)
        self.suppliers = supplier_service_pb2_grpc.SupplierServiceStub(self.channel)
        self.terms = supplier_terms_service_pb2_grpc.SupplierTermsServiceStub(self.channel)
        self.price_changes = price_change_service_pb2_grpc.PriceChangeServiceStub(self.channel)
        self.promotions = promotion_service_pb2_grpc.PromotionServiceStub(self.channel)
        self.closures = closure_service_pb2_grpc.ClosureServiceStub(self.channel)
        self.holidays = holiday_service_pb2_grpc.HolidayServiceStub(self.channel)
        self.keys = api_key_service_pb2_grpc.ApiKeyServiceStub(self.channel)
        self.imports = import_service_pb2_grpc.ImportServiceStub(self.channel)
        self.sources = import_source_service_pb2_grpc.ImportSourceServiceStub(self.channel)
        self.pipelines = pipeline_service_pb2_grpc.PipelineServiceStub(self.channel)
        self.schemas = schema_service_pb2_grpc.SchemaServiceStub(self.channel)
        self.jobs = job_service_pb2_grpc.JobServiceStub(self.channel)
        self.sales = sale_service_pb2_grpc.SaleServiceStub(self.channel)
        self.exports = export_service_pb2_grpc.ExportServiceStub(self.channel)
        self.stock = stock_movement_service_pb2_grpc.StockMovementServiceStub(self.channel)
        self.inventory = inventory_service_pb2_grpc.InventoryServiceStub(self.channel)
        self.versions = data_version_service_pb2_grpc.DataVersionServiceStub(self.channel)
        self.quality = quality_service_pb2_grpc.QualityServiceStub(self.channel)
        handlers: dict[str, JobHandler] = {
            JOB_KIND: import_handler(self.settings, self.worker_engine),
            CHECK_KIND: quality_handler(self.settings, self.worker_engine),
            **source_handlers(self.settings, self.worker_engine),
        }
        self.ledger = JobLedger(self.worker_engine, JOBS)
        self.runner = JobRunner(self.ledger, handlers, RunnerOptions("shelfcast_data"))

    @property
    def quantity_scale(self) -> int:
        """Give what a stored unit is counted in: SQLite keeps millionths."""
        return 1_000_000 if "sqlite" in self.settings.database_url else 1

    def auth(self, key: str | None = None) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {key or self.key}"),)

    async def submit(
        self,
        content: bytes,
        key: str | None = None,
        metadata: tuple[tuple[str, str], ...] = (),
        **fields: Any,  # noqa: ANN401 - fields of a message
    ) -> job_pb2.Job:
        async def messages() -> AsyncIterator[import_service_pb2.CreateImportRequest]:
            yield import_service_pb2.CreateImportRequest(data=content[:PIECE], **fields)
            for start in range(PIECE, len(content), PIECE):
                yield import_service_pb2.CreateImportRequest(data=content[start : start + PIECE])

        return await self.imports.CreateImport(messages(), timeout=60, metadata=self.auth(key) + metadata)

    async def work(self, job_id: str) -> job_pb2.Job:
        assert await asyncio.to_thread(self.runner.run, job_id)
        return await self.jobs.GetJob(
            job_service_pb2.GetJobRequest(job_id=job_id), timeout=30, metadata=self.auth()
        )

    async def load(self, content: bytes, **fields: Any) -> import_pb2.Import:  # noqa: ANN401 - fields of a message
        """Import a file to its end and give what became of it."""
        job = await self.submit(content, **fields)
        await self.work(job.job_id)
        return await self.imports.GetImport(
            import_service_pb2.GetImportRequest(import_id=job.job_id), timeout=30, metadata=self.auth()
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.worker_engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def change(self, statement: str) -> None:
        """Change rows behind the service's back."""
        with self.worker_engine.begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
async def service(settings: DataSettings) -> AsyncIterator[Service]:
    key = await create_api_key(settings, "acme", "admin", "tests")
    async with serving(settings, key) as made:
        yield made


@asynccontextmanager
async def serving(settings: DataSettings, key: str) -> AsyncIterator[Service]:
    """Run a service on a migrated database."""
    parts = build(settings)
    server = await start_server(parts.registrations, parts.verifier)
    engine = create_service_engine(settings.database_url, pool_size=4, local_infile=True)
    async with grpc.aio.insecure_channel(server.target) as channel:
        yield Service(settings, server, parts, engine, channel, key)
    await server.drain(0.1)
    await parts.close()
    engine.dispose()
