"""Servicers that answer as the test wishes and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from google.api import httpbody_pb2
from google.protobuf import empty_pb2
from shelfcast.catalog.v1 import product_pb2, product_service_pb2, product_service_pb2_grpc
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import (
    forecast_pb2,
    forecast_service_pb2,
    forecast_service_pb2_grpc,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from shelfcast.identity.v1 import api_key_pb2, api_key_service_pb2, api_key_service_pb2_grpc
from shelfcast.ingestion.v1 import import_service_pb2, import_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast.planning.v1 import stock_level_service_pb2, stock_level_service_pb2_grpc
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import CredentialInvalid
from shelfcast_servicekit.status import RemoteError

Context = Any
"""Servicer context; its type parameters differ from method to method."""

ADMIN_KEY = "sk_admin000_" + "a" * 43
VIEWER_KEY = "sk_viewer00_" + "b" * 43
PERMISSIONS = sorted(
    {
        *(f"{name}.{verb}" for name in ("products", "jobs", "imports") for verb in ("read", "write")),
        "forecasts.read",
        "forecasts.run",
        "policies.read",
        "me.read",
    }
)


class Steered:
    """Remembers calls; raises what it is told to."""

    def __init__(self) -> None:
        """Begin without calls."""
        self.requests: list[object] = []
        self.metadata: dict[str, str] = {}
        self.remaining_seconds = 0.0
        self.error: Exception | None = None
        self.delay_seconds = 0.0
        self.is_cancelled = asyncio.Event()

    async def note(self, request: object, context: Context) -> None:
        """Remember a call; wait and raise as told."""
        self.requests.append(request)
        self.remaining_seconds = context.time_remaining() or 0.0
        self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        try:
            await asyncio.sleep(self.delay_seconds)
        except asyncio.CancelledError:
            self.is_cancelled.set()
            raise
        if self.error is not None:
            raise self.error


class ApiKeys(Steered, api_key_service_pb2_grpc.ApiKeyServiceServicer):
    """Knows two keys."""

    async def AuthenticateApiKey(
        self, request: api_key_service_pb2.AuthenticateApiKeyRequest, context: Context
    ) -> api_key_pb2.Principal:
        """Answer."""
        await self.note(request, context)
        if request.secret == ADMIN_KEY:
            return api_key_pb2.Principal(
                tenant_id="acme", principal_id="api-key:admin000", role="admin", permissions=PERMISSIONS
            )
        if request.secret == VIEWER_KEY:
            return api_key_pb2.Principal(
                tenant_id="acme", principal_id="api-key:viewer00", role="viewer", permissions=["me.read"]
            )
        raise CredentialInvalid

    async def GetMe(
        self, request: api_key_service_pb2.GetMeRequest, context: Context
    ) -> api_key_pb2.Principal:
        """Answer."""
        await self.note(request, context)
        caller = current_caller()
        return api_key_pb2.Principal(
            tenant_id=caller.tenant, principal_id=caller.principal, permissions=sorted(caller.permissions)
        )


class Forecasts(Steered, forecast_service_pb2_grpc.ForecastServiceServicer):
    """Forecasts a flat line."""

    def __init__(self) -> None:
        """Begin without calls."""
        super().__init__()
        self.rung = provenance_pb2.RUNG_CHAMPION
        self.data_version = "dv-1"
        self.model_version = "20260101_000000"
        self.value = 4.5
        self.batch = forecast_service_pb2.BatchGetForecastsResponse()

    async def GetForecast(
        self, request: forecast_service_pb2.GetForecastRequest, context: Context
    ) -> forecast_pb2.Forecast:
        """Answer."""
        await self.note(request, context)
        if request.product_id == "unknown":
            raise RemoteError("SERIES_NOT_FOUND", product_id="unknown", shop_id=request.shop_id)
        reply = forecast_pb2.Forecast(
            product_id=request.product_id,
            shop_id=request.shop_id,
            origin_date="2026-01-01",
            horizon=request.horizon or 14,
            confidence_interval=0.95,
            quantile_levels=[0.5],
            method="gru",
            data_version=self.data_version,
            model_version=self.model_version,
            rung=self.rung,
            basis="history",
        )
        reply.as_of.FromJsonString("2026-01-02T03:04:05Z")
        for day in range(reply.horizon):
            reply.predictions.add(
                date=f"2026-01-{day + 2:02d}",
                predicted_qty=self.value,
                lower_ci=1.0,
                upper_ci=9.0,
                quantiles=[self.value],
            )
        return reply

    async def RetrainModels(
        self, request: forecast_service_pb2.RetrainModelsRequest, context: Context
    ) -> job_pb2.Job:
        """Answer."""
        await self.note(request, context)
        return job_pb2.Job(
            job_id=f"job-{len(self.requests)}", kind="train", status=job_pb2.JOB_STATUS_PENDING
        )

    async def BatchGetForecasts(
        self, request: forecast_service_pb2.BatchGetForecastsRequest, context: Context
    ) -> forecast_service_pb2.BatchGetForecastsResponse:
        """Answer."""
        await self.note(request, context)
        return self.batch


class Predictions(Steered, prediction_service_pb2_grpc.PredictionServiceServicer):
    """Takes predictions."""

    async def Predict(
        self, request: prediction_service_pb2.PredictRequest, context: Context
    ) -> prediction_service_pb2.PredictResponse:
        """Answer."""
        await self.note(request, context)
        return prediction_service_pb2.PredictResponse(
            job_id="7f0c1d5e-0000-4000-8000-000000000000", status=job_pb2.JOB_STATUS_PENDING
        )

    async def GetPrediction(
        self, request: prediction_service_pb2.GetPredictionRequest, context: Context
    ) -> prediction_service_pb2.Prediction:
        """Answer."""
        await self.note(request, context)
        return prediction_service_pb2.Prediction(job_id=request.job_id, status=job_pb2.JOB_STATUS_PENDING)

    async def GetServiceStatus(
        self, request: prediction_service_pb2.GetServiceStatusRequest, context: Context
    ) -> prediction_service_pb2.ServiceStatus:
        """Answer."""
        await self.note(request, context)
        return prediction_service_pb2.ServiceStatus(status="online", jobs_by_status={"pending": 1})


class Products(Steered, product_service_pb2_grpc.ProductServiceServicer):
    """Echoes products."""

    def __init__(self) -> None:
        """List nothing."""
        super().__init__()
        self.listed = product_service_pb2.ListProductsResponse()

    async def GetProduct(
        self, request: product_service_pb2.GetProductRequest, context: Context
    ) -> product_pb2.Product:
        """Answer."""
        await self.note(request, context)
        return product_pb2.Product(product_id=request.product_id, name="Oat milk", etag="7")

    async def CreateProduct(
        self, request: product_service_pb2.CreateProductRequest, context: Context
    ) -> product_pb2.Product:
        """Answer."""
        await self.note(request, context)
        product = product_pb2.Product()
        product.CopyFrom(request.product)
        product.etag = "1"
        return product

    async def UpdateProduct(
        self, request: product_service_pb2.UpdateProductRequest, context: Context
    ) -> product_pb2.Product:
        """Answer."""
        await self.note(request, context)
        return product_pb2.Product(product_id=request.product_id, etag="8")

    async def ListProducts(
        self, request: product_service_pb2.ListProductsRequest, context: Context
    ) -> product_service_pb2.ListProductsResponse:
        """Answer."""
        await self.note(request, context)
        return self.listed

    async def DeleteProduct(
        self, request: product_service_pb2.DeleteProductRequest, context: Context
    ) -> empty_pb2.Empty:
        """Answer."""
        await self.note(request, context)
        return empty_pb2.Empty()


class Imports(Steered, import_service_pb2_grpc.ImportServiceServicer):
    """Counts bytes, and gives those of a reject file."""

    def __init__(self) -> None:
        """Begin without calls."""
        super().__init__()
        self.reject_pieces = [b"date,sales,refused_because\n", b"2017-01-01,x,quantity.number\n"]
        self.fails_after = 99
        self.first: import_service_pb2.CreateImportRequest | None = None
        self.sizes: list[int] = []
        self.content = b""

    async def CreateImport(
        self, request_iterator: AsyncIterator[import_service_pb2.CreateImportRequest], context: Context
    ) -> job_pb2.Job:
        """Answer."""
        self.first, self.sizes, self.content = None, [], b""
        try:
            async for message in request_iterator:
                if self.first is None:
                    self.first = message
                else:
                    self.sizes.append(len(message.data))
                    self.content += message.data[:100]
        except asyncio.CancelledError:
            self.is_cancelled.set()
            raise
        await self.note(self.first, context)
        return job_pb2.Job(job_id="import-1", kind="import", status=job_pb2.JOB_STATUS_PENDING)

    async def DownloadImportRejects(
        self, request: import_service_pb2.DownloadImportRejectsRequest, context: Context
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Answer piece by piece."""
        await self.note(request, context)
        for count, piece in enumerate(self.reject_pieces):
            if count >= self.fails_after:
                raise RemoteError("IMPORT_NOT_FOUND", import_id=request.import_id)
            yield httpbody_pb2.HttpBody(content_type="text/csv; charset=utf-8", data=piece)


class Jobs(Steered, job_service_pb2_grpc.JobServiceServicer):
    """Runs three steps."""

    def __init__(self) -> None:
        """Begin without calls."""
        super().__init__()
        self.step_seconds = 0.0
        self.fails_after = 99
        self.ended = asyncio.Event()

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: Context) -> job_pb2.Job:
        """Answer."""
        await self.note(request, context)
        return job_pb2.Job(job_id=request.job_id, status=job_pb2.JOB_STATUS_PENDING)

    async def CancelJob(self, request: job_service_pb2.CancelJobRequest, context: Context) -> job_pb2.Job:
        """Answer."""
        await self.note(request, context)
        return job_pb2.Job(job_id=request.job_id, status=job_pb2.JOB_STATUS_CANCELLED)

    async def WatchJob(
        self, request: job_service_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[job_pb2.Job]:
        """Answer."""
        await self.note(request, context)
        try:
            for step in range(3):
                if step >= self.fails_after:
                    raise RemoteError("JOB_NOT_FOUND", job_id=request.job_id)
                yield job_pb2.Job(job_id=request.job_id, done_count=step)
                await asyncio.sleep(self.step_seconds)
        finally:
            self.ended.set()

    async def ListJobs(
        self, request: job_service_pb2.ListJobsRequest, context: Context
    ) -> job_service_pb2.ListJobsResponse:
        """Answer."""
        await self.note(request, context)
        return job_service_pb2.ListJobsResponse(count_by_status={"pending": 2})


class StockLevels(Steered, stock_level_service_pb2_grpc.StockLevelServiceServicer):
    """Answers with figures, good or bad."""

    def __init__(self) -> None:
        """Begin without calls."""
        super().__init__()
        self.figure = 1.0

    async def ComputeStockLevel(
        self, request: stock_level_service_pb2.ComputeStockLevelRequest, context: Context
    ) -> stock_level_service_pb2.StockLevel:
        """Answer."""
        await self.note(request, context)
        return stock_level_service_pb2.StockLevel(safety_stock=self.figure)
