"""A running model service beside a data service in memory, with a worker process to be killed."""

# ruff: noqa: SLF001 - a test may look inside what it runs
from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import grpc
import numpy as np
from pydantic import SecretStr
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_pb2, forecast_service_pb2, forecast_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_model.adapters.data_service.arrow import rows_of
from shelfcast_model.adapters.installed import installed
from shelfcast_model.adapters.sql.registry import SqlRegistryTx
from shelfcast_model.adapters.store.artefacts import LocalVault
from shelfcast_model.adapters.store.folder import ArtefactFolders
from shelfcast_model.bootstrap import Application, migrate
from shelfcast_model.domain.history import history_of
from shelfcast_model.domain.sales_grid import empty_grid, with_rows
from shelfcast_model.domain.stored_model import ModelMetrics, Stage, StoredModel
from shelfcast_model.entrypoints.grpc.replies import ForecastReplies
from shelfcast_model.ports import FitSettings
from shelfcast_model.settings import ModelSettings
from shelfcast_servicekit.auth import Caller, TokenMinter, TokenVerifier, calling_as
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.lifecycle import Hook, end
from shelfcast_servicekit.server import RunningServer, start_server

from shelfcast_testing.data_fake import FakeDataService, Sales, registrations
from shelfcast_testing.redis_process import RedisProcess

KEY = b"k" * 40
PERMISSIONS = frozenset(
    {"forecasts.read", "forecasts.run", "jobs.read", "jobs.write", "models.read", "models.approve"}
)
START = date(2025, 1, 6)
KNOWN_SECONDS = 2.0
"""After this time every service knows of a version that was announced, even without Redis."""


def demand(days: int = 140, seed: int = 7) -> dict[tuple[str, str, date], float]:
    """Give the sales of two shops with a weekly season; `nord` sells only milk."""
    random = np.random.default_rng(seed)
    rows = {}
    for shop, product, level in (("mitte", "milk", 20), ("mitte", "oats", 8), ("nord", "milk", 30)):
        for day in range(days):
            weekly = 1.6 if day % 7 in {4, 5} else 0.8
            rows[shop, product, START + timedelta(days=day)] = float(random.poisson(level * weekly))
    return rows


class WorkerProcess:
    """`python -m shelfcast_model worker`, to be killed and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its output goes to the log."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "shelfcast_model", "worker"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it as its supervisor would."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def log(self) -> str:
        """Give what it wrote."""
        return self._log.read_text()


@dataclass
class Stack:
    """A running model service beside a data service in memory."""

    settings: ModelSettings
    application: Application
    server: RunningServer
    data: FakeDataService
    data_server: RunningServer
    channel: grpc.aio.Channel
    tenant: str
    worker: WorkerProcess
    redis: RedisProcess
    replies: ForecastReplies

    @property
    def caller(self) -> Caller:
        """Give who asks: a client of the tenant."""
        return Caller(self.tenant, "api-key:test", PERMISSIONS)

    def load(self, days: int = 140) -> None:
        """Give the tenant sales, as a new data version."""
        self.data.sales.setdefault(self.tenant, Sales()).put(demand(days))

    def load_numbered(self) -> None:
        """Give the tenant the sales of item 7 in store 1."""
        rows = {("1", "7", key[2]): sold for key, sold in demand().items() if key[:2] == ("mitte", "oats")}
        self.data.sales.setdefault(self.tenant, Sales()).put(rows)

    def held_version(self) -> str | None:
        """Give the data version of the history that the service holds; None if it holds none."""
        held = self.application.history._held.get(self.tenant)
        return None if held is None else held.data_version

    def forget_replies(self) -> None:
        """Empty the layer of replies in the process."""
        self.replies._near.clear()

    async def announce(self, version: str) -> None:
        """Announce a data version as the data service does."""
        await self.application._redis.set(f"shelfcast:{{{self.tenant}}}:data_version", version)
        await asyncio.sleep(0.3)  # a version may be a quarter of a second old when it is used

    async def get(self, **fields: object) -> forecast_pb2.Forecast:
        """Ask for one forecast."""
        stub = forecast_service_pb2_grpc.ForecastServiceStub(self.channel)
        request = forecast_service_pb2.GetForecastRequest(**fields)  # type: ignore[arg-type]
        with calling_as(self.caller):
            return await stub.GetForecast(request)

    async def get_at(self, data_version: str, **fields: object) -> forecast_pb2.Forecast:
        """Ask until the champion answers from a data version: a crowded machine takes it in late."""
        return await self.get_on(provenance_pb2.RUNG_CHAMPION, data_version, **fields)

    async def get_on(
        self, rung: provenance_pb2.Rung.ValueType, data_version: str, **fields: object
    ) -> forecast_pb2.Forecast:
        """Ask until a rung answers from a data version; what comes before must not pass for the newest.

        Raises: AssertionError when it does; TimeoutError after a minute.
        """
        begun = time.monotonic()
        async with asyncio.timeout(60.0):
            while True:
                is_late = time.monotonic() - begun > KNOWN_SECONDS
                reply = await self.get(**fields)
                if (reply.rung, reply.data_version) == (rung, data_version):
                    return reply
                if is_late and reply.rung == provenance_pb2.RUNG_CHAMPION:
                    raise AssertionError(f"{reply.data_version} passes for the newest")
                await asyncio.sleep(0.1)

    async def retrain(self, **fields: object) -> job_pb2.Job:
        """Ask for a training."""
        stub = forecast_service_pb2_grpc.ForecastServiceStub(self.channel)
        request = forecast_service_pb2.RetrainModelsRequest(**fields)  # type: ignore[arg-type]
        with calling_as(self.caller):
            return await stub.RetrainModels(request)

    async def ended(self, job_id: str, seconds: float = 150.0) -> job_pb2.Job:
        """Wait until a job has ended."""
        return await self.wait_for(job_id, lambda job: job.status >= job_pb2.JOB_STATUS_COMPLETED, seconds)

    async def crown(self, name: str) -> StoredModel:
        """Fit a quick forecaster here on all loaded sales, store it, and make it the champion."""
        grid = with_rows(empty_grid(), rows_of(self.data.sales[self.tenant].table()))
        history = history_of(self.tenant, "dv-1", "snap-1", grid)
        fitted = await asyncio.to_thread(installed(name).fit, history.panel, FitSettings(), _Unheard())
        at = datetime.now(UTC)
        version = at.strftime("%Y%m%d_%H%M%S")
        vault = LocalVault(ArtefactFolders(self.settings.store_url), installed)
        path, digest = await asyncio.to_thread(vault.put, fitted, (self.tenant, version), {})
        model = StoredModel(
            model_id=str(uuid.uuid4()),
            tenant=self.tenant,
            forecaster=name,
            model_version=version,
            stage=Stage.CHALLENGER,
            snapshot_id="snap-1",
            data_version="dv-1",
            seed=1,
            series_count=len(grid.series),
            fit_seconds=0.1,
            metrics=ModelMetrics(),
            artefact_path=path,
            digest=digest,
            decision="Promoted by the test.",
            job_id="",
            trained_at=at,
        )

        def store(tx: SqlRegistryTx) -> None:
            tx.add(model, "test")
            tx.crown(model, "test", at)

        await self.application._registry.transact(store)
        return model

    async def champion_serves(self, method: str, seconds: float = 60.0) -> None:
        """Wait until the champion of a method answers."""
        async with asyncio.timeout(seconds):
            while True:
                reply = await self.get(product_id="oats")
                if reply.rung == provenance_pb2.RUNG_CHAMPION and reply.method == method:
                    return
                await asyncio.sleep(0.1)

    async def wait_for(
        self, job_id: str, is_there: Callable[[job_pb2.Job], bool], seconds: float = 150.0
    ) -> job_pb2.Job:
        """Wait until a job is as wanted."""
        stub = job_service_pb2_grpc.JobServiceStub(self.channel)
        async with asyncio.timeout(seconds):
            while True:
                with calling_as(self.caller):
                    job = await stub.GetJob(job_service_pb2.GetJobRequest(job_id=job_id))
                if is_there(job):
                    return job
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def running_stack(folder: Path, redis: RedisProcess) -> AsyncIterator[Stack]:
    """Run a stack in a folder within the block."""
    (folder / "store").mkdir(parents=True)
    data = FakeDataService(folder / "store")
    data_server = await start_server(registrations(data), TokenVerifier(KEY, "data"))
    settings = ModelSettings(
        data_dir=folder,
        database_url=f"sqlite:///{folder}/model.sqlite",
        store_url=(folder / "store").as_uri(),
        redis_url=redis.url,
        internal_token_key=SecretStr(KEY.decode()),
        data_target=data_server.target,
        champion_poll_seconds=0.2,
        holdout_days=21,
    )
    migrate(settings)
    application = Application(settings)
    await application.start()
    registered = application.registrations()
    server = await start_server(registered, application.verifier)
    channel = open_channel(server.target, "model", TokenMinter(KEY))
    worker = WorkerProcess(worker_environment(settings, server.target), folder / "worker.log")
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(_running(work)) for work in application.background}
        replies = registered[0].servicer._desk.replies  # type: ignore[attr-defined]
        yield Stack(settings, application, server, data, data_server, channel, tenant, worker, redis, replies)
        worker.stop()
        await end(tasks)
    await channel.close()
    await server.drain(0)
    await application.stop()
    await data_server.drain(0)


class _Unheard:
    """Progress that nobody listens to."""

    def report(self, phase: str, done: int, total: int) -> None:
        """Say nothing."""


async def _running(work: Hook) -> None:
    await work()


def worker_environment(settings: ModelSettings, model_target: str) -> dict[str, str]:
    """Give the environment of the worker process."""
    return {
        **os.environ,  # noqa: TID251 - the child needs PATH and the like
        "SHELFCAST_DATA_DIR": str(settings.data_dir),
        "SHELFCAST_DATABASE_URL": settings.database_url,
        "SHELFCAST_STORE_URL": settings.store_url,
        "SHELFCAST_REDIS_URL": settings.redis_url,
        "SHELFCAST_INTERNAL_TOKEN_KEY": KEY.decode(),
        "SHELFCAST_DATA_TARGET": settings.data_target,
        "SHELFCAST_MODEL_TARGET": model_target,
        "SHELFCAST_HOLDOUT_DAYS": str(settings.holdout_days),
        "SHELFCAST_TRAIN_STEPS": "12",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
        "SHELFCAST_LOG_FORMAT": "console",
    }
