"""The choice of adapters: what the service, its worker and its migrations are made of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from shelfcast.forecast.v1 import forecast_service_pb2_grpc, prediction_service_pb2_grpc
from shelfcast.jobs.v1 import job_service_pb2_grpc
from shelfcast.registry.v1 import model_service_pb2_grpc
from shelfcast.sales.v1 import data_version_service_pb2_grpc  # noqa: F401 - the channel asks for its rules
from shelfcast_servicekit.auth import ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.cache import RedisCache, redis_client
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.delivery import JobPublisher
from shelfcast_servicekit.jobs.runner import RunnerOptions
from shelfcast_servicekit.jobs.servicer import SERVICE_NAME, JobServicer
from shelfcast_servicekit.jobs.store import JobStore
from shelfcast_servicekit.jobs.sweeper import JobSweeper
from shelfcast_servicekit.jobs.worker import WorkerOptions
from shelfcast_servicekit.migrate import upgrade
from shelfcast_servicekit.paging import PageTokens
from shelfcast_servicekit.remote_api_key import RemoteApiKeyVerifier
from shelfcast_servicekit.server import Registration
from shelfcast_servicekit.transact import Transactor
from shelfcast_servicekit.version import VersionBeacon, VersionReader

from shelfcast_model.adapters.compute.batched import NETWORK, BatchedCompute
from shelfcast_model.adapters.data_service.client import DataServiceClient
from shelfcast_model.adapters.data_service.events import ChangeListener
from shelfcast_model.adapters.data_service.history import DataServiceHistory
from shelfcast_model.adapters.data_service.training import SnapshotSource
from shelfcast_model.adapters.fallback import InProcessFallbacks
from shelfcast_model.adapters.forecast_client import ForecastClient
from shelfcast_model.adapters.installed import INSTALLED, installed
from shelfcast_model.adapters.sql.registry import SqlRegistryTx
from shelfcast_model.adapters.sql.schema import JOBS, PREFIX
from shelfcast_model.adapters.sql.training import SqlTrainingRegistry
from shelfcast_model.adapters.store.artefacts import LocalVault, StoredArtefacts
from shelfcast_model.adapters.store.folder import ArtefactFolders
from shelfcast_model.application.forecast_series import ForecastSeries
from shelfcast_model.application.model_shelf import ModelShelf
from shelfcast_model.application.predict_day import PredictDay, SubmitPrediction
from shelfcast_model.application.read_models import PromoteModel, ReadModels
from shelfcast_model.application.submit_training import SubmitTraining
from shelfcast_model.application.train_models import TrainModels
from shelfcast_model.entrypoints.background import keep_champions_fresh, warm_champions
from shelfcast_model.entrypoints.grpc.prediction_servicer import PredictionServicer
from shelfcast_model.entrypoints.grpc.replies import ForecastReplies
from shelfcast_model.entrypoints.grpc.servicer import ForecastDesk, ForecastServicer, ModelServicer

if TYPE_CHECKING:
    import grpc
    from redis.asyncio import Redis
    from shelfcast_servicekit.auth import CredentialVerifier
    from shelfcast_servicekit.jobs.context import JobHandler
    from shelfcast_servicekit.jobs.domain import Job, JobSubmission
    from shelfcast_servicekit.lifecycle import Hook
    from sqlalchemy import Engine

    from shelfcast_model.settings import ModelSettings

AUDIENCE: Final = "model"
QUEUE: Final = "model"
MIGRATIONS: Final = "shelfcast_model:migrations"
VERSION_TABLE: Final = "model_alembic_version"
DATABASE_THREADS: Final = 4


def migrate(settings: ModelSettings) -> None:
    """Bring the database to the newest revision."""
    upgrade(settings.database_url, MIGRATIONS, VERSION_TABLE)


def local_store(store_url: str) -> Path | None:
    """Give the folder of a store on this machine; None when it is elsewhere.

    >>> local_store("file:///var/shelf%20cast"), local_store("s3://bucket/x")
    (PosixPath('/var/shelf cast'), None)
    """
    parts = urlsplit(store_url)
    if parts.scheme not in {"", "file"}:
        return None
    return Path(unquote(parts.path))


class _AnnouncedJobs:
    """Jobs that the sweeper announces as soon as they are stored."""

    def __init__(self, store: JobStore, sweeper: JobSweeper) -> None:
        self._store = store
        self._sweeper = sweeper

    async def submit(self, submission: JobSubmission) -> Job:
        """Store a job as pending and have it announced."""
        job = await self._store.submit(submission)
        self._sweeper.wake()
        return job


@dataclass(frozen=True, slots=True)
class _Threads:
    """The named thread pools of the service."""

    database: BlockingExecutor
    history: BlockingExecutor
    network: BlockingExecutor
    others: BlockingExecutor

    @classmethod
    def made(cls) -> _Threads:
        return cls(
            database=BlockingExecutor("database", DATABASE_THREADS),
            history=BlockingExecutor("history", 1),
            network=BlockingExecutor("tensorflow", 1),
            others=BlockingExecutor("forecasters", 1),
        )

    def running(self, forecaster: str) -> BlockingExecutor:
        """Give the thread that runs a forecaster: TensorFlow stays on one of its own."""
        return self.network if forecaster == NETWORK else self.others

    def close(self) -> None:
        for executor in (self.database, self.history, self.network, self.others):
            executor.close()


class Application:
    """The running parts of `serve`; make it on the event loop, after telemetry is set up."""

    def __init__(self, settings: ModelSettings) -> None:
        """Make every part; nothing is asked of other processes yet."""
        self.settings = settings
        self._threads = _Threads.made()
        self._engine: Engine = create_service_engine(settings.database_url, pool_size=DATABASE_THREADS)
        self._redis: Redis = redis_client(settings.redis_url)
        self._cache = RedisCache(self._redis, "forecasts")
        key = settings.token_key()
        self._data: grpc.aio.Channel = open_channel(settings.data_target, "data", TokenMinter(key))
        self._tokens = PageTokens(key)
        self.verifier: CredentialVerifier = ChainVerifier(
            TokenVerifier(key, AUDIENCE), RemoteApiKeyVerifier(self._data, AUDIENCE)
        )
        self._registry = Transactor(self._engine, self._threads.database, SqlRegistryTx)
        self._versions = VersionReader(self._redis, ("data_version",))
        self._artefacts = StoredArtefacts(
            ArtefactFolders(settings.store_url), installed, self._threads.running
        )
        self._beacon = VersionBeacon(self._redis, "model_version", self._champion_labels)
        self._shelf = ModelShelf(
            self._registry,
            self._artefacts,
            most_models=2 * settings.champion_tenants,
            on_champion=self._beacon.announce,
        )
        self._store = JobStore(self._engine, self._threads.database, JOBS)
        self._sweeper = JobSweeper(self._store, JobPublisher(settings.redis_url, QUEUE))
        self._jobs = _AnnouncedJobs(self._store, self._sweeper)
        self.history = DataServiceHistory(
            DataServiceClient(self._data),
            self._threads.history,
            local_store(settings.store_url),
            most_tenants=settings.history_tenants,
            wait_seconds=settings.data_wait_seconds,
        )
        self._changes = ChangeListener(settings.redis_url, self.history)

    async def _champion_labels(self) -> dict[str, str]:
        return self._shelf.labels()

    async def _data_version(self, tenant: str) -> str | None:
        return (await self._versions.read(tenant))[0]

    def registrations(self) -> list[Registration]:
        """Give the RPC services to serve."""
        return [
            Registration(
                forecast_service_pb2_grpc.add_ForecastServiceServicer_to_server,
                self._forecast_servicer(),
                "shelfcast.forecast.v1.ForecastService",
            ),
            Registration(
                prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server,
                self._prediction_servicer(),
                "shelfcast.forecast.v1.PredictionService",
            ),
            Registration(
                model_service_pb2_grpc.add_ModelServiceServicer_to_server,
                ModelServicer(
                    ReadModels(self._registry), PromoteModel(self._registry, self._artefacts), self._tokens
                ),
                "shelfcast.registry.v1.ModelService",
            ),
            Registration(
                job_service_pb2_grpc.add_JobServiceServicer_to_server, self._job_servicer(), SERVICE_NAME
            ),
        ]

    def _forecast_servicer(self) -> ForecastServicer:
        settings = self.settings
        forecast = ForecastSeries(
            self.history,
            self._shelf,
            InProcessFallbacks(installed, self._threads.others),
            BatchedCompute(self._threads.network, self._threads.others),
            INSTALLED,
        )
        replies = ForecastReplies(
            self._cache,
            settings.forecast_cache_seconds,
            settings.forecast_cache_entries,
        )
        train = SubmitTraining(self._jobs, INSTALLED)
        return ForecastServicer(ForecastDesk(forecast, train, replies, self._data_version, self._tokens))

    def _job_servicer(self, *, with_peer: bool = True) -> JobServicer:
        peer = job_service_pb2_grpc.JobServiceStub(self._data) if with_peer else None
        return JobServicer(self._store, self._tokens, self._sweeper.wake, peer)

    def _prediction_servicer(self) -> PredictionServicer:
        merged, own = self._job_servicer(), self._job_servicer(with_peer=False)
        return PredictionServicer(SubmitPrediction(self._jobs), self._shelf, merged, own)

    async def start(self) -> None:
        """Load and warm the champions, so that the first request finds them; a missing backend is no bar."""
        await warm_champions(self._shelf)

    @property
    def background(self) -> list[Hook]:
        """Endless coroutines of the service."""
        fresh = keep_champions_fresh(self._shelf, self.settings.champion_poll_seconds)
        return [self._versions.run, self._beacon.run, self._sweeper.run, self._changes.run, fresh]

    async def stop(self) -> None:
        """Close what was opened."""
        await self._changes.close()
        await self._data.close()
        await self._cache.close()
        await asyncio.to_thread(self._threads.close)
        self._engine.dispose()


JOB_PERMISSIONS: Final = frozenset({"forecasts.read"})
WORKER: Final = WorkerOptions(
    RunnerOptions("shelfcast_model", permissions=JOB_PERMISSIONS), table_prefix=PREFIX, concurrency=2
)


def job_handlers(settings: ModelSettings) -> dict[str, JobHandler]:
    """Give the handlers of the worker, by kind of job."""
    engine = create_service_engine(settings.database_url, pool_size=2)
    key = settings.token_key()
    folders = ArtefactFolders(settings.store_url)
    train = TrainModels(
        source=SnapshotSource(settings.data_target, key, local_store(settings.store_url)),
        forecaster=installed,
        vault=LocalVault(folders, installed),
        registry=SqlTrainingRegistry(Transactor(engine, None, SqlRegistryTx)),
        holdout_days=settings.holdout_days,
        train_steps=settings.train_steps,
    )
    predict = PredictDay(ForecastClient(settings.model_target, key))
    return {"train": train, "predict": predict}
