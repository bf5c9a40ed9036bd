"""The client over gRPC: straight to the services, for callers inside the house."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc
import pandas as pd
from shelfcast.forecast.v1 import forecast_service_pb2, forecast_service_pb2_grpc
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2, import_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc

from shelfcast_client.frames import forecast_frame, forecast_from_proto
from shelfcast_client.grpc_problem import refusal
from shelfcast_client.job import Job, Progress, job_from_proto
from shelfcast_client.request import ForecastOptions, TrainOptions
from shelfcast_client.retry import RetryPolicy, with_retries
from shelfcast_client.upload import ImportOptions, Upload, upload_of
from shelfcast_client.wait import DAY_SECONDS, wait_for

T = TypeVar("T")

PAGE_SIZE: Final = 1000
UPLOAD_SECONDS: Final = 600.0
MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""Largest reply, the same as between the services; grpcio takes 4 MiB by itself."""
Metadata = tuple[tuple[str, str], ...]


class GrpcShelfcastClient:
    """Talks gRPC to the model service, and to the data service for imports; an async context manager.

    Every method raises RequestRefused (the subclass is the declared reason) or ServiceUnreachable, after the
    retries of the policy.
    """

    def __init__(
        self,
        target: str,
        api_key: str,
        *,
        data_target: str | None = None,
        timeout_seconds: float = 30.0,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
    ) -> None:
        """Connect nothing yet. target: the model service; data_target: the data service, for imports."""
        self._channel = _channel(target)
        self._data_channel = _channel(data_target) if data_target else self._channel
        self._metadata: Metadata = (("authorization", f"Bearer {api_key}"),)
        self._timeout_seconds = timeout_seconds
        self._retries = retries
        self._forecasts = forecast_service_pb2_grpc.ForecastServiceStub(self._channel)
        self._jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self._imports = import_service_pb2_grpc.ImportServiceStub(self._data_channel)

    async def __aenter__(self) -> Self:
        """Give the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the channels."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the channels."""
        await self._channel.close()
        await self._data_channel.close()

    async def import_sales(
        self,
        sales: pd.DataFrame | Path | str,
        options: ImportOptions = ImportOptions(),  # noqa: B008 - frozen
    ) -> Job:
        """Hand in a frame or a CSV file of sales; the job checks and loads it. Raises: FileNotFoundError."""
        upload, metadata = upload_of(sales), self._write_metadata()

        async def send() -> job_pb2.Job:
            return await self._imports.CreateImport(
                _parts(upload, options), timeout=UPLOAD_SECONDS, metadata=metadata
            )

        return job_from_proto(await self._sent(send))

    async def train(self, options: TrainOptions = TrainOptions()) -> Job:  # noqa: B008 - a frozen value
        """Start a training on the newest data."""
        request = forecast_service_pb2.RetrainModelsRequest(
            shop_ids=options.shop_ids,
            product_ids=options.product_ids,
            models=options.models,
            seed=options.seed,
        )
        if options.promote is not None:
            request.promote = forecast_service_pb2.Promotion.Value(f"PROMOTION_{options.promote.upper()}")
        metadata = self._write_metadata()

        async def send() -> job_pb2.Job:
            return await self._forecasts.RetrainModels(
                request, timeout=self._timeout_seconds, metadata=metadata
            )

        return job_from_proto(await self._sent(send))

    async def forecast(
        self,
        product_id: str,
        shop_id: str | None = None,
        horizon: int = 14,
        options: ForecastOptions = ForecastOptions(),  # noqa: B008 - a frozen value
    ) -> pd.DataFrame:
        """Forecast one series: a row a day."""
        request = forecast_service_pb2.GetForecastRequest(
            product_id=product_id,
            shop_id=shop_id,
            horizon=horizon,
            confidence_interval=options.confidence_interval,
            quantiles=options.quantiles,
            model=options.model,
            as_of=options.as_of,
        )
        message = await self._sent(
            lambda: self._forecasts.GetForecast(
                request, timeout=self._timeout_seconds, metadata=self._metadata
            )
        )
        return forecast_frame([forecast_from_proto(message)])

    async def forecast_batch(
        self,
        product_ids: Sequence[str] = (),
        shop_ids: Sequence[str] = (),
        horizon: int = 14,
        options: ForecastOptions = ForecastOptions(),  # noqa: B008 - a frozen value
    ) -> pd.DataFrame:
        """Forecast many series, all pages: a row a series and day; nothing named means all series."""
        request = forecast_service_pb2.BatchGetForecastsRequest(
            product_ids=product_ids,
            shop_ids=shop_ids,
            horizon=horizon,
            confidence_interval=options.confidence_interval,
            quantiles=options.quantiles,
            model=options.model,
            as_of=options.as_of,
            page_size=PAGE_SIZE,
        )
        forecasts = []
        while True:
            page = await self._sent(
                lambda: self._forecasts.BatchGetForecasts(
                    request, timeout=self._timeout_seconds, metadata=self._metadata
                )
            )
            forecasts += [forecast_from_proto(message) for message in page.forecasts]
            if not page.next_page_token:
                return forecast_frame(forecasts)
            request.page_token = page.next_page_token

    async def job(self, job_id: str) -> Job:
        """Read one job."""
        request = job_service_pb2.GetJobRequest(job_id=job_id)
        message = await self._sent(
            lambda: self._jobs.GetJob(request, timeout=self._timeout_seconds, metadata=self._metadata)
        )
        return job_from_proto(message)

    async def wait(
        self, job: Job, on_progress: Progress | None = None, timeout_seconds: float = DAY_SECONDS
    ) -> Job:
        """Give the job when it is completed. Raises: JobFailed, JobCancelled, WaitExpired."""
        return await wait_for(job, self.job, on_progress, timeout_seconds)

    def _write_metadata(self) -> Metadata:
        """Give the metadata of a write: with a key under which it counts once."""
        return (*self._metadata, ("idempotency-key", str(uuid.uuid4())))

    async def _sent(self, call: Callable[[], Awaitable[T]]) -> T:
        """Give the reply of a call that is safe to repeat."""

        async def once() -> T:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                raise refusal(error) from error

        return await with_retries(once, self._retries)


def _channel(target: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(target, options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)])


async def _parts(
    upload: Upload, options: ImportOptions
) -> AsyncIterator[import_service_pb2.CreateImportRequest]:
    """Give the messages of an upload: the fields first, then the bytes."""
    yield import_service_pb2.CreateImportRequest(
        file_name=upload.file_name,
        mapping=options.mapping,
        dry_run=options.is_dry_run,
        shop_id=options.shop_id,
        same_day=import_pb2.SameDay.Value(f"SAME_DAY_{(options.same_day or 'unspecified').upper()}"),
        mapping_name=options.mapping_name or "",
        pipeline=options.pipeline or "",
    )
    async for chunk in upload.chunks():
        yield import_service_pb2.CreateImportRequest(data=chunk)
