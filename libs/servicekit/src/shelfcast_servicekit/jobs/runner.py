"""Runs one claimed job from claim to end."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, StatusCode
from prometheus_client import Counter

from shelfcast_servicekit.auth import Caller, calling_as
from shelfcast_servicekit.deadline import deadline_within
from shelfcast_servicekit.errors import (
    DeadlineExceeded,
    InternalError,
    ShelfcastError,
    UpstreamUnavailable,
)
from shelfcast_servicekit.interceptors.auth import TENANT_ATTRIBUTE
from shelfcast_servicekit.jobs.child import ChildProcess
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from shelfcast_servicekit.jobs.errors import JobCancelled, JobHandedBack, JobKindUnknown, JobLeaseLost
from shelfcast_servicekit.jobs.heartbeat import Heartbeat
from shelfcast_servicekit.jobs.problem import problem_of
from shelfcast_servicekit.traceparent import current_trace_id, span_context_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

    from shelfcast_servicekit.jobs.context import JobHandler
    from shelfcast_servicekit.jobs.domain import Job
    from shelfcast_servicekit.jobs.store import JobLedger

LEASE_SECONDS: Final = 30.0
TRANSIENT: Final = frozenset({UpstreamUnavailable.reason, DeadlineExceeded.reason})
TRANSIENT_ATTEMPTS: Final = 6

_TRACER: Final = trace.get_tracer("shelfcast.jobs")
_ENDED: Final = Counter("jobs_run_total", "Job runs by kind and how they ended.", ("kind", "outcome"))
_LOG: Final = logging.getLogger("shelfcast.jobs")


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """How a worker runs its jobs."""

    package: str
    """Package whose `python -m <package> run-job <job_id> <fence>` runs an isolated job."""
    lease_seconds: float = LEASE_SECONDS
    """How long a silent worker keeps its job; the heartbeat comes three times as often."""
    permissions: frozenset[str] = field(default_factory=frozenset)
    """What a job may do at other services, on behalf of its tenant."""


class JobRunner:
    """Claims a job, runs its handler under a heartbeat, and stores how it ended."""

    def __init__(self, ledger: JobLedger, handlers: Mapping[str, JobHandler], options: RunnerOptions) -> None:
        """handlers: by kind of job."""
        self._ledger = ledger
        self._handlers = handlers
        self._options = options
        self._running: set[JobSignals] = set()
        self._lock = threading.Lock()
        self.is_stopping = False

    @property
    def running_count(self) -> int:
        """Jobs that run now."""
        return len(self._running)

    def stop(self) -> None:
        """Ask every running job to hand itself back at its next checkpoint."""
        self.is_stopping = True
        with self._lock:
            for signals in self._running:
                signals.stopping.set()

    def run(self, job_id: str) -> bool:
        """Run a job if it is to be had; say whether it was. Any thread."""
        if self.is_stopping:
            return False
        job = self._ledger.claim(job_id, self._options.lease_seconds)
        if job is None:
            return False
        signals = JobSignals()
        with self._lock:
            self._running.add(signals)
        try:
            with Heartbeat(self._ledger, job, signals, self._options.lease_seconds):
                self._traced(job, signals)
        finally:
            with self._lock:
                self._running.discard(signals)
        return True

    def run_held(self, job_id: str, fence: int, signals: JobSignals) -> None:
        """Run a job that the parent process holds, in its child."""
        job = self._ledger.held(job_id, fence)
        self._traced(job, signals, in_child=True)

    def _traced(self, job: Job, signals: JobSignals, *, in_child: bool = False) -> None:
        """Give the run a trace of its own, linked to the request that asked for it."""
        cause = span_context_of(job.traceparent)
        links = [] if cause is None else [Link(cause)]
        attributes: dict[str, AttributeValue] = {
            "job.id": job.job_id,
            "job.kind": job.kind,
            "job.attempt": job.attempt,
            TENANT_ATTRIBUTE: job.tenant,
        }
        caller = Caller(job.tenant, job.submitted_by, self._options.permissions)
        name = f"job {job.kind}"
        with (
            _TRACER.start_as_current_span(name, Context(), SpanKind.CONSUMER, attributes, links) as span,
            calling_as(caller),
            deadline_within(None),
        ):
            outcome = self._to_its_end(job, signals, in_child=in_child)
            span.set_attribute("job.outcome", outcome)
            if outcome in {"failed", "crashed"}:
                span.set_status(StatusCode.ERROR)
        _ENDED.labels(job.kind, outcome).inc()

    def _to_its_end(self, job: Job, signals: JobSignals, *, in_child: bool) -> str:
        """Run the handler and store the end; give the outcome as a word."""
        _LOG.info("job %s (%s) begins, attempt %d", job.job_id, job.kind, job.attempt)
        try:
            outcome = self._attempt(job, signals, in_child=in_child)
        except JobLeaseLost:
            outcome = "lease_lost"
        _LOG.info("job %s (%s): %s", job.job_id, job.kind, outcome)
        return outcome

    def _attempt(self, job: Job, signals: JobSignals, *, in_child: bool) -> str:
        try:
            handler = self._handlers.get(job.kind)
            if handler is None:
                raise JobKindUnknown(kind=job.kind)  # noqa: TRY301 - one place turns errors into ends
            if getattr(handler, "isolated", False) and not in_child:
                return self._isolated(job, signals)
            self._ledger.complete(job.job_id, job.fence, handler.run(JobContext(job, self._ledger, signals)))
        except JobCancelled:
            self._ledger.cancelled(job.job_id, job.fence)
            return "cancelled"
        except JobHandedBack as stopped:
            self._ledger.hand_back(job.job_id, job.fence, stopped.after_seconds)
            return "handed_back"
        except JobLeaseLost:
            raise
        except ShelfcastError as error:
            return self._failed(job, error)
        except Exception:  # noqa: BLE001 - the outermost frame of a job
            _LOG.exception("job %s (%s) broke", job.job_id, job.kind)
            return self._failed(job, InternalError())
        return "completed"

    def _failed(self, job: Job, error: ShelfcastError) -> str:
        """Store a failure; what is merely away is tried again a little later."""
        if error.reason in TRANSIENT and job.attempt < TRANSIENT_ATTEMPTS:
            self._ledger.hand_back(job.job_id, job.fence, after_seconds=2.0**job.attempt)
            return "postponed"
        self._ledger.fail(job.job_id, job.fence, problem_of(error, current_trace_id()))
        return "failed"

    def _isolated(self, job: Job, signals: JobSignals) -> str:
        """Run the job in a child, which stores its own end; count a crash when it stored none."""
        with ChildProcess(self._options.package, job.job_id, job.fence) as child:
            while not child.wait(0.2):
                signals.raise_if_any(job.job_id)
        if child.stored_its_end:
            return "completed_in_child"
        self._ledger.crashed(job.job_id, job.fence)
        return "crashed"
