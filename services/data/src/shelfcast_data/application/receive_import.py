"""Receive a file of sales, judge its beginning, and hand it to a worker as a job."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.jobs.domain import Job, JobSubmission
from shelfcast_servicekit.jobs.errors import JobNotFound

from shelfcast_data.application.plan_pipeline import current_choice, plan_with
from shelfcast_data.domain.column_mapping import by_field
from shelfcast_data.domain.file_head import Expectation, FileHead
from shelfcast_data.domain.identifier import created_id, stored_id
from shelfcast_data.domain.import_mapping import IMPORT_MAPPING
from shelfcast_data.domain.import_record import ImportRecord, NewImport
from shelfcast_data.domain.pipeline_plan import Plan
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.domain.sales_field import SALES
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportMappingNotFound, ImportNotFound, UploadIncomplete
from shelfcast_data.ports.imports import Uploads, UploadSink
from shelfcast_data.ports.listing import Newest
from shelfcast_data.ports.store import Store, Tx

JOB_KIND = "import"
"""The kind of these jobs, and what those of other ways in begin with."""
INLINE_REJECTIONS = 1000
LONGEST_FILE_NAME = 300


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What a client says about its file."""

    tenant: str
    """Tenant whose sales they are."""
    principal: str
    """Who hands it in."""
    file_name: str = ""
    """Name of the file as the client gave it."""
    mapping: Mapping[str, str] | None = None
    """Column for each field that is not found by name."""
    is_dry_run: bool = False
    """Whether rows are only checked."""
    shop_id: str | None = None
    """Shop of all rows; None means that the file has a shop column."""
    same_day: SameDay | None = None
    """What becomes of several rows for one day; None is what the saved mapping says, else refused."""
    mapping_name: str = ""
    """Saved mapping that tells what the client does not; empty means none."""
    pipeline: str = ""
    """Pipeline that prepares the file; empty means none."""
    idempotency_key: str | None = None
    """The same key gives the same job."""


@dataclass(frozen=True, slots=True)
class ReceiveImport:
    """Stores an upload whole and submits the job that loads it; a bad one leaves nothing behind."""

    store: Store
    uploads: Uploads
    executor: BlockingExecutor
    """Threads that write files."""
    wake: Callable[[], None]
    """Announces the job to a worker at once."""

    async def __call__(self, asked: ImportRequest, pieces: AsyncIterator[bytes]) -> Job:
        """Take the file and give its job.

        Raises: FileRefused where its beginning shows that it cannot be taken; MappingInvalid,
        IdMalformed, PayloadTooLarge, StorageFull, UploadIncomplete, IdempotencyKeyReused,
        ImportMappingNotFound, PipelineNotFound, PipelineUnfit.
        """
        if await is_repeat(self.store, asked, JOB_KIND):
            return await self._repeated(asked, pieces)
        sent = asked
        asked = await with_saved(self.store, asked)
        shop_id = created_id(asked.shop_id, "/shop_id") if asked.shop_id else None
        plan = await self._plan(asked, shop_id)
        if plan is not None and plan.is_summed:
            asked = replace(asked, same_day=sent.same_day or SameDay.SUM)
        expected = Expectation(dict(asked.mapping or {}), shop_id, plan)
        sink = await self.executor.run(self.uploads.begin, expected)
        path = f"imports/{uuid.uuid4()}"
        try:
            head, digest = await self._received(sink, path, pieces)
        except BaseException:
            await asyncio.shield(self.executor.run(sink.abort))
            raise
        file = _new_import(asked, expected, head, digest, sink, path)
        job = await self._submitted(sent, file, plan)
        self.wake()
        return job

    async def _repeated(self, asked: ImportRequest, pieces: AsyncIterator[bytes]) -> Job:
        """Give the job that has come under the key of a request, if it was this one.

        Nothing is judged: what the request names may have changed since.
        """
        digest = hashlib.sha256()
        async for piece in pieces:
            await self.executor.run(digest.update, piece)
        again = _submission(asked, digest.hexdigest())
        return await self.store.transact(lambda tx: tx.jobs().submit(again))

    async def _plan(self, asked: ImportRequest, shop_id: str | None) -> Plan | None:
        """Give the pipeline in its current version, with what the catalogue says now."""
        if not asked.pipeline:
            return None

        def work(tx: Tx) -> Plan:
            choice = current_choice(tx, asked.tenant, asked.pipeline)
            return plan_with(tx, asked.tenant, choice, shop_id)

        return await self.store.read(work)

    async def _received(
        self, sink: UploadSink, path: str, pieces: AsyncIterator[bytes]
    ) -> tuple[FileHead, str]:
        async for piece in pieces:
            if piece:
                await self.executor.run(sink.feed, piece)
        return await self.executor.run(sink.finish, path)

    async def _submitted(self, asked: ImportRequest, file: NewImport, plan: Plan | None) -> Job:
        """Store the import and its job together; a repeated idempotency key gives the first job.

        asked: as it was sent.
        """
        facts = {"digest": file.digest, "mapping": dict(file.mapping), "dry_run": file.is_dry_run}
        if file.shop_id is not None:
            facts["shop_id"] = file.shop_id
        if file.same_day is not SameDay.REFUSE:
            facts["same_day"] = file.same_day.value
        if file.pipeline is not None:
            facts["pipeline"] = f"{file.pipeline.name}/{file.pipeline.version}"
        submission = replace(_submission(asked, file.digest), input=facts, job_id=file.import_id)

        def work(tx: Tx) -> Job:
            tx.ensure_tenant(asked.tenant)
            job = tx.jobs().submit(submission)
            if job.job_id == file.import_id:
                tx.imports(asked.tenant).add(file)
                if plan is not None:
                    tx.pipelines(asked.tenant).use(file.import_id, plan.facts)
            return job

        try:
            job = await self.store.transact(work)
        except BaseException:
            await asyncio.shield(self.executor.run(self.uploads.remove, file.store_path))
            raise
        if job.job_id != file.import_id:
            await self.executor.run(self.uploads.remove, file.store_path)
        return job


async def is_repeat(store: Store, asked: ImportRequest, kind: str) -> bool:
    """Say whether a job of a kind has come under the idempotency key of a request."""
    key = asked.idempotency_key
    return key is not None and await store.read(lambda tx: tx.jobs().has_key(asked.tenant, kind, key))


def request_facts(asked: ImportRequest) -> Mapping[str, object]:
    """Give what a client says about its file: that, and the file, is what an idempotency key stands for."""
    return {
        "mapping": dict(by_field(asked.mapping or {})),
        "mapping_name": asked.mapping_name,
        "shop_id": asked.shop_id,
        "same_day": asked.same_day and asked.same_day.value,
        "pipeline": asked.pipeline,
        "dry_run": asked.is_dry_run,
    }


def _submission(asked: ImportRequest, digest: str) -> JobSubmission:
    return JobSubmission(
        tenant=asked.tenant,
        kind=JOB_KIND,
        submitted_by=asked.principal,
        idempotency_key=asked.idempotency_key,
        request={"digest": digest, **request_facts(asked)},
    )


async def with_saved(store: Store, asked: ImportRequest) -> ImportRequest:
    """Give the request with what it leaves to a saved mapping. Raises: ImportMappingNotFound."""
    if not asked.mapping_name:
        return asked
    name = stored_id(asked.mapping_name, "/mapping_name")
    saved = await store.read(lambda tx: tx.entries(IMPORT_MAPPING, asked.tenant).get((name,)))
    if saved.stamp.deleted_at is not None:
        raise ImportMappingNotFound(name=name)
    return replace(
        asked,
        mapping_name=name,
        mapping={**by_field(saved.fields.mapping), **by_field(asked.mapping or {})},
        shop_id=asked.shop_id or saved.fields.shop_id,
        same_day=asked.same_day or saved.fields.same_day,
    )


def _new_import(
    asked: ImportRequest, expected: Expectation, head: FileHead, digest: str, sink: UploadSink, path: str
) -> NewImport:
    return NewImport(
        import_id=str(uuid.uuid4()),
        file_name=asked.file_name[:LONGEST_FILE_NAME],
        digest=digest,
        size_bytes=sink.size_bytes,
        expanded_bytes=sink.expanded_bytes,
        is_dry_run=asked.is_dry_run,
        asked_mapping=expected.mapping,
        mapping=head.mapping,
        shop_id=expected.shop_id,
        store_path=path,
        same_day=asked.same_day or SameDay.REFUSE,
        mapping_name=asked.mapping_name,
        schema_version=SALES.version,
        pipeline=None if expected.plan is None else expected.plan.pipeline,
    )


def check_has_begun(*, has_message: bool) -> None:
    """Raise UploadIncomplete if the stream had no message at all."""
    if not has_message:
        raise UploadIncomplete(size="0")


@dataclass(frozen=True, slots=True)
class ImportList:
    """The imports of each tenant."""

    store: Store

    async def get(self, tenant: str, import_id: str) -> ImportRecord:
        """Give an import with its first refusals and rows of a preview. Raises: ImportNotFound."""

        def work(tx: Tx) -> ImportRecord:
            record = tx.imports(tenant).get(import_id, INLINE_REJECTIONS)
            if record.file.pipeline is None:
                return record
            return replace(record, preview=tx.pipelines(tenant).preview(import_id))

        return await self.store.read(work)

    async def cancel(self, tenant: str, import_id: str) -> Job:
        """Cancel an import that waits, or ask the worker of one that runs to stop.

        Raises: ImportNotFound; StateConflict when it has completed or failed.
        """

        def work(tx: Tx) -> Job:
            jobs = tx.jobs()
            try:
                job = jobs.get(tenant, import_id)
            except JobNotFound as error:
                raise ImportNotFound(import_id=import_id[:64]) from error
            if not job.kind.startswith(JOB_KIND):
                raise ImportNotFound(import_id=import_id[:64])
            return jobs.request_cancel(tenant, import_id)

        return await self.store.transact(work)

    async def page(self, tenant: str, limit: int, after: Newest | None) -> Sequence[ImportRecord]:
        """Give up to `limit` imports, newest first."""
        return await self.store.read(lambda tx: tx.imports(tenant).page(limit, after))

    async def rejections(
        self, tenant: str, import_id: str, limit: int, after: tuple[int, int] | None
    ) -> Sequence[tuple[tuple[int, int], Rejection]]:
        """Give up to `limit` refusals in the order of the file. Raises: ImportNotFound."""

        def work(tx: Tx) -> Sequence[tuple[tuple[int, int], Rejection]]:
            imports = tx.imports(tenant)
            imports.get(import_id)
            return imports.rejections(import_id, limit, after)

        return await self.store.read(work)
