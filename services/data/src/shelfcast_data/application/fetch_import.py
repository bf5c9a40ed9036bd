"""Import a file by its URL: the order of it, and its fetching by a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from shelfcast_servicekit.jobs.domain import Job, JobSubmission

from shelfcast_data.application.bring_file import Arrival, FileKeeper
from shelfcast_data.application.plan_pipeline import current_choice
from shelfcast_data.application.receive_import import ImportRequest, is_repeat, request_facts, with_saved
from shelfcast_data.domain.identifier import created_id
from shelfcast_data.domain.import_host import ImportHosts
from shelfcast_data.domain.pipeline import PipelineVersion
from shelfcast_data.domain.pipeline_plan import PipelineChoice, is_summed
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import FetchBroken
from shelfcast_data.ports.imports import UploadSink
from shelfcast_data.ports.source import BringingWatch, RemoteFiles
from shelfcast_data.ports.store import Store, Tx

JOB_KIND: Final = "import.url"
PHASE: Final = "fetching"
PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)
"""Waits between the tries of one run."""


@dataclass(frozen=True, slots=True)
class FetchImport:
    """Takes URLs of files for the worker."""

    store: Store
    hosts: ImportHosts
    wake: Callable[[], None]
    """Announces the job to a worker at once."""

    async def __call__(self, asked: ImportRequest, url: str) -> Job:
        """Submit the job that fetches a file and loads it.

        Raises: UrlRefused, IdMalformed, IdempotencyKeyReused, ImportMappingNotFound, PipelineNotFound.
        """
        target = self.hosts.target(url)
        file = {"url": target.url, "file_name": asked.file_name or target.file_name}
        submission = JobSubmission(
            tenant=asked.tenant,
            kind=JOB_KIND,
            submitted_by=asked.principal,
            idempotency_key=asked.idempotency_key,
            request={**file, **request_facts(asked)},
        )
        if not await is_repeat(self.store, asked, JOB_KIND):  # what it names may have changed since
            submission = replace(submission, input={**file, **await self._reading(asked)})

        def work(tx: Tx) -> Job:
            tx.ensure_tenant(asked.tenant)
            return tx.jobs().submit(submission)

        job = await self.store.transact(work)
        self.wake()
        return job

    async def _reading(self, asked: ImportRequest) -> Mapping[str, object]:
        """Give how the file is to be read. Raises: IdMalformed, ImportMappingNotFound, PipelineNotFound."""
        told = asked.same_day
        asked = await with_saved(self.store, asked)
        version = await self._pipeline(asked)
        if version is not None and is_summed(version.steps):
            asked = replace(asked, same_day=told or SameDay.SUM)
        return {
            "mapping": dict(asked.mapping or {}),
            "shop_id": created_id(asked.shop_id, "/shop_id") if asked.shop_id else None,
            "same_day": (asked.same_day or SameDay.REFUSE).value,
            "dry_run": asked.is_dry_run,
            **_chosen(version),
        }

    async def _pipeline(self, asked: ImportRequest) -> PipelineVersion | None:
        """Give the current version of the pipeline that is asked for."""
        if not asked.pipeline:
            return None

        def work(tx: Tx) -> PipelineVersion:
            choice = current_choice(tx, asked.tenant, asked.pipeline)
            return tx.pipelines(asked.tenant).version(choice.name, choice.version)

        return await self.store.read(work)


def _chosen(version: PipelineVersion | None) -> dict[str, object]:
    return {} if version is None else {"pipeline": version.name, "pipeline_version": version.version}


@dataclass(frozen=True, slots=True)
class FetchFile:
    """Fetches a file whole; what breaks off is gone on with where the server can, else begun anew."""

    remote: RemoteFiles
    keeper: FileKeeper
    pause: Callable[[float], None] = time.sleep

    def __call__(
        self, arrival: Arrival, url: str, watch: BringingWatch, pipeline: PipelineChoice | None = None
    ) -> None:
        """Bring the file of an import in, unless an earlier attempt has done so.

        pipeline: what prepares the file, with what the catalogue says now.
        Raises: UrlRefused, FetchFailed, FileRefused, PayloadTooLarge, StorageFull; what `watch` raises.
        """
        if self.keeper.is_there(arrival.tenant, arrival.import_id):
            return
        if pipeline is not None:
            arrival = self.keeper.planned(arrival, pipeline)
        fetch = _Fetch(self, arrival, watch, self.keeper.begin(arrival, watch))
        try:
            fetch.run(url)
            file = self.keeper.finish(arrival, fetch.sink, watch)
        except BaseException:
            fetch.sink.abort()
            raise
        self.keeper.keep(arrival, file, watch, {})


@dataclass(slots=True)
class _Fetch:
    """One file under way."""

    use: FetchFile
    arrival: Arrival
    watch: BringingWatch
    sink: UploadSink
    tag: str = ""

    def run(self, url: str) -> None:
        for pause in PAUSES_SECONDS:
            try:
                return self._try(url)
            except FetchBroken:
                self.use.pause(pause)
                self._tell(0)
        try:
            return self._try(url)
        except FetchBroken as error:
            raise error.lasting() from error

    def _try(self, url: str) -> None:
        offset = self.sink.size_bytes if self.tag else 0
        with self.use.remote.open(url, offset, self.tag) as reply:
            if self.sink.size_bytes and not reply.is_continued:
                self.sink.abort()
                self.sink = self.use.keeper.begin(self.arrival, self.watch)
            self.tag = reply.tag
            for piece in reply.pieces():
                self.sink.feed(piece)
                self._tell(reply.total_bytes)

    def _tell(self, total: int) -> None:
        """Tell how much has come; a total that is not known is taken as more than that."""
        done = self.sink.size_bytes
        self.watch.progress(PHASE, float(done), float(total or done + 1))
