"""The RPC methods of the first clients' shapes: `/predict`, `/status`, `/jobs`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from shelfcast.forecast.v1 import prediction_service_pb2, prediction_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.jobs.mapping import job_to_proto
from shelfcast_servicekit.paging import page_size_of

from shelfcast_model.entrypoints.grpc.call_context import CallContext, idempotency_key_of
from shelfcast_model.entrypoints.grpc.prediction_mapping import prediction_of, summary_of, wish_of
from shelfcast_model.errors import PredictionNotFound

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.servicer import JobServicer

    from shelfcast_model.application.model_shelf import ModelShelf
    from shelfcast_model.application.predict_day import SubmitPrediction

NOT_FOUND: Final = "JOB_NOT_FOUND"
WORDS: Final = {
    job_pb2.JOB_STATUS_PENDING: "pending",
    job_pb2.JOB_STATUS_PROCESSING: "processing",
    job_pb2.JOB_STATUS_COMPLETED: "completed",
    job_pb2.JOB_STATUS_FAILED: "failed",
    job_pb2.JOB_STATUS_CANCELLED: "cancelled",
}

_LOG: Final = logging.getLogger(__name__)


class PredictionServicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Offers predictions as jobs, and shows all jobs, in the first clients' shapes."""

    def __init__(
        self, submit: SubmitPrediction, shelf: ModelShelf, merged: JobServicer, own: JobServicer
    ) -> None:
        """Show the `merged` jobs of this and the data service, or the `own` ones while that is away."""
        self._submit = submit
        self._shelf = shelf
        self._merged = merged
        self._own = own

    async def Predict(
        self, request: prediction_service_pb2.PredictRequest, context: CallContext
    ) -> prediction_service_pb2.PredictResponse:
        """Have one day predicted."""
        wish, key = wish_of(request), idempotency_key_of(context)
        job = job_to_proto(await self._submit(current_caller(), wish, key))
        return prediction_service_pb2.PredictResponse(
            job_id=job.job_id, status=job.status, submitted_at=job.submitted_at
        )

    async def GetServiceStatus(
        self, request: prediction_service_pb2.GetServiceStatusRequest, context: object
    ) -> prediction_service_pb2.ServiceStatus:
        """Tell whether a model is loaded and how many jobs there are."""
        counts = (await self._list(job_service_pb2.ListJobsRequest(page_size=1))).count_by_status
        champion = await self._shelf.champion(current_caller().tenant)
        return prediction_service_pb2.ServiceStatus(
            status="online",
            model_loaded=champion is not None,
            active_jobs=sum(counts.values()),
            jobs_by_status=counts,
            running_jobs=counts["pending"] + counts["processing"],
        )

    async def GetPrediction(
        self, request: prediction_service_pb2.GetPredictionRequest, context: object
    ) -> prediction_service_pb2.Prediction:
        """Read one job."""
        wanted = job_service_pb2.GetJobRequest(job_id=request.job_id)
        try:
            return prediction_of(await self._merged.GetJob(wanted, context))
        except ShelfcastError as error:
            if error.reason == NOT_FOUND:
                raise PredictionNotFound(job_id=request.job_id) from error
            raise

    async def ListPredictions(
        self, request: prediction_service_pb2.ListPredictionsRequest, context: object
    ) -> prediction_service_pb2.ListPredictionsResponse:
        """List jobs, newest first."""
        size = page_size_of(request.limit)
        page = await self._list(job_service_pb2.ListJobsRequest(status=request.status, page_size=size))
        counts = page.count_by_status
        total = sum(counts.values())
        return prediction_service_pb2.ListPredictionsResponse(
            total_jobs=total,
            filtered_jobs=counts[WORDS[request.status]] if request.status in WORDS else total,
            jobs=[summary_of(job) for job in page.jobs],
        )

    async def _list(self, request: job_service_pb2.ListJobsRequest) -> job_service_pb2.ListJobsResponse:
        """List the jobs of both services, or of this one alone while the data service is away."""
        try:
            return await self._merged.ListJobs(request, None)
        except ShelfcastError as error:
            _LOG.warning("the data service's jobs are left out: %r", error)
            return await self._own.ListJobs(request, None)
