"""The Python client of Shelfcast: files and frames in, frames out, over REST and gRPC."""

from __future__ import annotations

from shelfcast_client.client import ShelfcastClient
from shelfcast_client.errors import (
    JobCancelled,
    JobFailed,
    RequestRefused,
    ServiceUnreachable,
    ShelfcastClientError,
    WaitExpired,
)
from shelfcast_client.grpc_client import GrpcShelfcastClient
from shelfcast_client.job import Job
from shelfcast_client.problem import Fault, Problem
from shelfcast_client.report import ImportReport
from shelfcast_client.request import ForecastOptions, TrainOptions
from shelfcast_client.retry import RetryPolicy
from shelfcast_client.sync_client import SyncShelfcastClient
from shelfcast_client.trace import Trace, TraceSpan
from shelfcast_client.upload import ImportOptions

__all__ = [
    "Fault",
    "ForecastOptions",
    "GrpcShelfcastClient",
    "ImportOptions",
    "ImportReport",
    "Job",
    "JobCancelled",
    "JobFailed",
    "Problem",
    "RequestRefused",
    "RetryPolicy",
    "ServiceUnreachable",
    "ShelfcastClient",
    "ShelfcastClientError",
    "SyncShelfcastClient",
    "Trace",
    "TraceSpan",
    "TrainOptions",
    "WaitExpired",
]
