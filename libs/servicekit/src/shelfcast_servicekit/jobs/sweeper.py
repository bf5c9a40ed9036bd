"""The sweeper announces pending jobs and takes jobs from silent workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from prometheus_client import Gauge

from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.executor import BlockingExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_servicekit.jobs.delivery import JobPublisher
    from shelfcast_servicekit.jobs.store import JobStore

SWEEP_EVERY_SECONDS: Final = 2.0
REPUBLISH_SECONDS: Final = 10.0

_UNDELIVERED: Final = Gauge("jobs_undelivered", "Pending jobs that the broker did not take.", ("table",))


class JobSweeper:
    """A background task of the service that owns a job table; the only place that publishes.

    A submission stores the job, commits, and calls `wake`: the message goes out at once. A message
    that is lost, a broker that was away and a worker that died are all made good by the next sweep.
    """

    def __init__(
        self,
        store: JobStore,
        publisher: JobPublisher,
        *,
        every_seconds: float = SWEEP_EVERY_SECONDS,
        republish_seconds: float = REPUBLISH_SECONDS,
    ) -> None:
        """republish_seconds: a pending job is announced again when nobody took it for so long."""
        self._store = store
        self._publisher = publisher
        self._every_seconds = every_seconds
        self._republish_seconds = republish_seconds
        self._wanted = asyncio.Event()
        self._undelivered = _UNDELIVERED.labels(store.table.name)

    def wake(self) -> None:
        """Announce what is new without waiting for the next round."""
        self._wanted.set()

    async def run(self) -> None:
        """Sweep until cancelled; pass it to `serve` as background work."""
        executor = BlockingExecutor("job-publisher", threads=1)
        try:
            while True:
                await self._try_sweep(executor)
                await self._pause()
        finally:
            executor.close()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every_seconds):
                await self._wanted.wait()
        except TimeoutError:
            pass
        self._wanted.clear()

    async def _try_sweep(self, executor: BlockingExecutor) -> None:
        try:
            await self.sweep(executor)
        except ShelfcastError:
            self._undelivered.set(-1)  # not known while the database is away

    async def sweep(self, executor: BlockingExecutor) -> None:
        """Release expired leases and announce what waits. Raises: UpstreamUnavailable."""
        job_ids = await self._store.sweep(self._republish_seconds)
        published = await self._publish(job_ids, executor)
        if published:
            await self._store.mark_published(published)
        self._undelivered.set(len(job_ids) - len(published))

    async def _publish(self, job_ids: Sequence[str], executor: BlockingExecutor) -> list[str]:
        published: list[str] = []
        for job_id in job_ids:
            if not await executor.run(self._publisher.publish, job_id):
                break
            published.append(job_id)
        return published
