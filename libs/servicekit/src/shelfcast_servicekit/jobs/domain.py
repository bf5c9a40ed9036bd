"""The values of the job engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

JsonObject: TypeAlias = Mapping[str, object]
"""A JSON object: strings, numbers, booleans, None, lists and objects only."""


class JobStatus(StrEnum):
    """Where a job stands; the words are those of the contract."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
RETRYABLE: Final = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class JobSubmission:
    """What somebody asks to be done."""

    tenant: str
    """Tenant whose job it is."""
    kind: str
    """Kind of work; the worker has a handler for it."""
    submitted_by: str
    """Principal who asks."""
    input: JsonObject = field(default_factory=dict)
    """What the handler needs to know; small."""
    idempotency_key: str | None = None
    """Same key and same request: the same job. None: always a new one."""
    run_after_seconds: float = 0.0
    """Earliest start, from now."""
    job_id: str | None = None
    """Id to use, a UUID; None makes a new one."""
    request: JsonObject | None = None
    """What the client sent, where the input is made of more than that; None: the input is the request."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as stored."""

    job_id: str
    """UUID of version 4."""
    tenant: str
    """Tenant whose job it is."""
    kind: str
    """Kind of work."""
    status: JobStatus
    """Where it stands."""
    phase: str
    """What it is doing now; empty before it starts."""
    done_count: float
    """Units of the phase that are done."""
    total_count: float
    """Units of the phase in all; 0 means not known."""
    submitted_at: datetime
    """When it was accepted."""
    started_at: datetime | None
    """When a worker first took it."""
    heartbeat_at: datetime | None
    """Last sign of life of its worker."""
    completed_at: datetime | None
    """When it ended."""
    submitted_by: str
    """Principal who asked for it."""
    attempt: int
    """How many times a worker has taken it."""
    input: JsonObject
    """What the handler needs to know."""
    checkpoint: JsonObject | None
    """Where a re-run goes on; None at the start."""
    result: JsonObject | None
    """What came out; None until it is completed."""
    result_url: str | None
    """Where a larger result can be read."""
    error: JsonObject | None
    """Problem that ended it; None unless failed."""
    trace_id: str
    """Trace of the request that asked for it."""
    traceparent: str
    """W3C header of the span that asked for it, for the link."""
    cancel_requested: bool
    """Whether somebody has asked to cancel it."""
    fence: int
    """Number of the lease; only its holder may write for the job."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a handler gives back when its work is done."""

    result: JsonObject = field(default_factory=dict)
    """Small result, at most 16 KiB as JSON."""
    result_url: str | None = None
    """Where a larger result can be read."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of a list of jobs, newest first."""

    jobs: tuple[Job, ...]
    """The jobs."""
    has_more: bool
    """Whether older jobs follow."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows."""

    status: JobStatus | None = None
    """Only jobs in this status."""
    kind: str | None = None
    """Only jobs of this kind."""
