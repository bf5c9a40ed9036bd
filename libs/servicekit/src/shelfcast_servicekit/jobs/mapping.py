"""Job values to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from shelfcast.jobs.v1 import job_pb2

from shelfcast_servicekit.jobs.domain import Job, JobStatus

if TYPE_CHECKING:
    from datetime import datetime

    from shelfcast_servicekit.jobs.domain import JsonObject

_STATUS: Final = {
    JobStatus.PENDING: job_pb2.JOB_STATUS_PENDING,
    JobStatus.PROCESSING: job_pb2.JOB_STATUS_PROCESSING,
    JobStatus.COMPLETED: job_pb2.JOB_STATUS_COMPLETED,
    JobStatus.FAILED: job_pb2.JOB_STATUS_FAILED,
    JobStatus.CANCELLED: job_pb2.JOB_STATUS_CANCELLED,
}
_STATUS_BACK: Final = {int(value): status for status, value in _STATUS.items()}


def job_to_proto(job: Job) -> job_pb2.Job:
    """Give the message of a job."""
    return job_pb2.Job(
        job_id=job.job_id,
        kind=job.kind,
        status=_STATUS[job.status],
        phase=job.phase,
        done_count=job.done_count,
        total_count=job.total_count,
        submitted_at=_instant(job.submitted_at),
        started_at=_instant(job.started_at),
        heartbeat_at=_instant(job.heartbeat_at),
        completed_at=_instant(job.completed_at),
        submitted_by=job.submitted_by,
        attempt=job.attempt,
        result=_struct(job.result),
        result_url=job.result_url,
        error=_struct(job.error),
        trace_id=job.trace_id,
        cancel_requested=job.cancel_requested,
    )


def status_from_proto(status: int) -> JobStatus | None:
    """Give the status that a request names; None when it names none."""
    return _STATUS_BACK.get(status)


def _instant(value: datetime | None) -> Timestamp | None:
    if value is None:
        return None
    message = Timestamp()
    message.FromDatetime(value)
    return message


def _struct(value: JsonObject | None) -> Struct | None:
    if value is None:
        return None
    message = Struct()
    json_format.ParseDict(dict(value), message)
    return message
