"""JobService over a job table, with the jobs of one other service merged in where there is one."""

# ruff: noqa: ARG002 - gRPC hands over a context that these methods do not need

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc

from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import PageTokenInvalid
from shelfcast_servicekit.jobs.domain import ENDED, JobFilter
from shelfcast_servicekit.jobs.errors import JobNotFound
from shelfcast_servicekit.jobs.mapping import job_to_proto, status_from_proto
from shelfcast_servicekit.paging import page_size_of
from shelfcast_servicekit.status import from_rpc_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from shelfcast_servicekit.jobs.domain import Job
    from shelfcast_servicekit.jobs.store import JobStore
    from shelfcast_servicekit.paging import PageTokens

T = TypeVar("T")

WATCH_EVERY_SECONDS: Final = 0.5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

SERVICE_NAME: Final = "shelfcast.jobs.v1.JobService"


class JobServicer(job_service_pb2_grpc.JobServiceServicer):
    """Shows and steers the jobs of the caller's tenant."""

    def __init__(
        self,
        store: JobStore,
        tokens: PageTokens,
        wake: Callable[[], None],
        peer: job_service_pb2_grpc.JobServiceAsyncStub | None = None,
    ) -> None:
        """wake: `JobSweeper.wake`. peer: JobService of the service whose jobs are merged in."""
        self._store = store
        self._tokens = tokens
        self._wake = wake
        self._peer = peer

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: object) -> job_pb2.Job:
        """Read one job."""
        tenant = current_caller().tenant
        return await self._here_or_there(
            self._store.get(tenant, request.job_id), lambda peer: peer.GetJob(request)
        )

    async def ListJobs(
        self, request: job_service_pb2.ListJobsRequest, context: object
    ) -> job_service_pb2.ListJobsResponse:
        """List jobs, newest first."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        wanted = JobFilter(status_from_proto(request.status), request.kind or None)
        scope = {"list": "jobs", "status": str(request.status), "kind": request.kind}
        after = _position(self._tokens.read(request.page_token, tenant, scope))
        page = await self._store.page(tenant, wanted, size, after)
        jobs, has_more = [job_to_proto(job) for job in page.jobs], page.has_more
        counts = {status.value: count for status, count in (await self._store.counts(tenant)).items()}
        if self._peer is not None:
            theirs = await _asked(self._peer.ListJobs(request))
            jobs = sorted([*jobs, *theirs.jobs], key=_age, reverse=True)
            has_more = has_more or bool(theirs.next_page_token) or len(jobs) > size
            counts = {word: count + theirs.count_by_status[word] for word, count in counts.items()}
        reply = job_service_pb2.ListJobsResponse(jobs=jobs[:size], count_by_status=counts)
        if has_more:
            reply.next_page_token = self._tokens.issue(tenant, scope, _place(reply.jobs[-1]))
        return reply

    async def CancelJob(self, request: job_service_pb2.CancelJobRequest, context: object) -> job_pb2.Job:
        """Ask a job to stop."""
        tenant = current_caller().tenant
        return await self._here_or_there(
            self._store.request_cancel(tenant, request.job_id), lambda peer: peer.CancelJob(request)
        )

    async def RetryJob(self, request: job_service_pb2.RetryJobRequest, context: object) -> job_pb2.Job:
        """Run a failed or cancelled job again."""
        tenant = current_caller().tenant
        job = await self._here_or_there(
            self._store.retry(tenant, request.job_id), lambda peer: peer.RetryJob(request)
        )
        self._wake()
        return job

    async def WatchJob(
        self, request: job_service_pb2.WatchJobRequest, context: object
    ) -> AsyncIterator[job_pb2.Job]:
        """Send the job now and at each change until it ends."""
        last: Job | None = None
        try:
            while last is None or last.status not in ENDED:
                job = await self._store.get(current_caller().tenant, request.job_id)
                if last is None or _shown(job) != _shown(last):
                    yield job_to_proto(job)
                last = job
                if job.status not in ENDED:
                    await asyncio.sleep(WATCH_EVERY_SECONDS)
        except JobNotFound:
            if self._peer is None:
                raise
            async for message in self._peer.WatchJob(request):
                yield message

    async def _here_or_there(
        self,
        here: Awaitable[Job],
        there: Callable[[job_service_pb2_grpc.JobServiceAsyncStub], Awaitable[job_pb2.Job]],
    ) -> job_pb2.Job:
        try:
            return job_to_proto(await here)
        except JobNotFound:
            if self._peer is None:
                raise
        return await _asked(there(self._peer))


async def _asked(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, service="data") from error


def _shown(job: Job) -> tuple[object, ...]:
    return (job.status, job.phase, job.done_count, job.total_count, job.attempt, job.cancel_requested)


def _age(job: job_pb2.Job) -> tuple[int, str]:
    return (job.submitted_at.ToMicroseconds(), job.job_id)


def _place(job: job_pb2.Job) -> tuple[str, str]:
    return (str(job.submitted_at.ToMicroseconds()), job.job_id)


def _position(parts: tuple[str, ...]) -> tuple[datetime, str] | None:
    if not parts:
        return None
    if len(parts) != 2:
        raise PageTokenInvalid
    return _EPOCH + timedelta(microseconds=int(parts[0])), parts[1]
