"""A piece of long work, as last seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from google.protobuf import json_format
from shelfcast.jobs.v1 import job_pb2

ENDED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Job:
    """Where a job stands."""

    job_id: str
    """Id, a UUID."""
    kind: str
    """Kind of work: import, train or predict."""
    status: str
    """pending, processing, completed, failed or cancelled."""
    phase: str = ""
    """What it is doing now; empty before it starts."""
    done_count: float = 0.0
    """Units of the phase that are done."""
    total_count: float = 0.0
    """Units of the phase in all; 0 when not known."""
    attempt: int = 0
    """How many times a worker has taken it."""
    result: Mapping[str, object] = field(default_factory=dict)
    """What came out; empty until it is completed."""
    error: str = ""
    """Sentence on what went wrong; empty unless it failed."""
    trace_id: str = ""
    """Trace of the request that asked for it, 32 hex digits."""

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more will come."""
        return self.status in ENDED


Progress = Callable[[Job], None]
"""What is told about each change of a job that is waited for."""


def job_from_json(body: Mapping[str, object]) -> Job:
    """Read a job from a reply's body."""
    result, error = body.get("result"), body.get("error")
    return Job(
        job_id=str(body["job_id"]),
        kind=str(body.get("kind", "")),
        status=str(body["status"]),
        phase=str(body.get("phase") or ""),
        done_count=_number(body.get("done_count")),
        total_count=_number(body.get("total_count")),
        attempt=int(_number(body.get("attempt"))),
        result=result if isinstance(result, Mapping) else {},
        error=_sentence(error if isinstance(error, Mapping) else {}),
        trace_id=str(body.get("trace_id") or ""),
    )


def job_from_proto(message: job_pb2.Job) -> Job:
    """Read a job from its message."""
    word = job_pb2.JobStatus.Name(message.status).removeprefix("JOB_STATUS_").lower()
    return Job(
        job_id=message.job_id,
        kind=message.kind,
        status=word,
        phase=message.phase,
        done_count=message.done_count,
        total_count=message.total_count,
        attempt=message.attempt,
        result=json_format.MessageToDict(message.result) if message.HasField("result") else {},
        error=_sentence(json_format.MessageToDict(message.error) if message.HasField("error") else {}),
        trace_id=message.trace_id,
    )


def _sentence(error: Mapping[str, object]) -> str:
    """Give the sentence of a problem body, its reason before it."""
    detail = str(error.get("detail") or error.get("title") or "")
    code = str(error.get("code") or "")
    return f"{code}: {detail}" if code and detail else detail or code


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
