"""Keep a file that a job brings in as the file of an import, so that it is loaded as if it had been sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shelfcast_data.application.plan_pipeline import plan_with
from shelfcast_data.application.receive_import import LONGEST_FILE_NAME
from shelfcast_data.domain.file_head import Expectation
from shelfcast_data.domain.import_record import NewImport
from shelfcast_data.domain.pipeline_plan import PipelineChoice, Plan
from shelfcast_data.domain.sales_field import SALES
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportNotFound
from shelfcast_data.ports.imports import Uploads, UploadSink
from shelfcast_data.ports.source import BringingWatch
from shelfcast_data.ports.store import Tx, WorkerStore


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that is brought in, and how it is to be read."""

    tenant: str
    """Tenant whose sales they are."""
    import_id: str
    """Id of the import and of its job."""
    file_name: str
    """Name that the import is listed under."""
    expected: Expectation
    """Columns, and shop of all rows."""
    is_dry_run: bool = False
    """Whether rows are only checked."""
    same_day: SameDay = SameDay.REFUSE
    """What becomes of several rows for one day."""


@dataclass(frozen=True, slots=True)
class FileKeeper:
    """Brings files in: whole, or not at all."""

    store: WorkerStore
    uploads: Uploads

    def is_there(self, tenant: str, import_id: str) -> bool:
        """Say whether an earlier attempt has brought the file in; else remove what it has left."""
        try:
            self.store.read_sync(lambda tx: tx.imports(tenant).get(import_id))
        except ImportNotFound:
            self.uploads.forget(import_id)
            return False
        return True

    def planned(self, arrival: Arrival, pipeline: PipelineChoice) -> Arrival:
        """Let a version of a pipeline prepare the rows, with what the catalogue says now."""
        expected = arrival.expected

        def work(tx: Tx) -> Plan:
            return plan_with(tx, arrival.tenant, pipeline, expected.shop_id)

        return replace(arrival, expected=replace(expected, plan=self.store.read_sync(work)))

    def begin(self, arrival: Arrival, watch: BringingWatch) -> UploadSink:
        """Begin the file. Raises: StorageFull."""
        return self.uploads.begin(arrival.expected, _attempt(arrival, watch))

    def finish(self, arrival: Arrival, sink: UploadSink, watch: BringingWatch) -> NewImport:
        """Store the file under its name and tell what is in it. Raises: FileRefused, StorageFull."""
        path = f"imports/{_attempt(arrival, watch)}"
        head, digest = sink.finish(path)
        return NewImport(
            import_id=arrival.import_id,
            file_name=arrival.file_name[:LONGEST_FILE_NAME],
            digest=digest,
            size_bytes=sink.size_bytes,
            expanded_bytes=sink.expanded_bytes,
            is_dry_run=arrival.is_dry_run,
            asked_mapping=arrival.expected.mapping,
            mapping=head.mapping,
            shop_id=arrival.expected.shop_id,
            store_path=path,
            same_day=arrival.same_day,
            schema_version=SALES.version,
            pipeline=None if arrival.expected.plan is None else arrival.expected.plan.pipeline,
        )

    def keep(
        self, arrival: Arrival, file: NewImport, watch: BringingWatch, checkpoint: Mapping[str, object]
    ) -> None:
        """Store the import of a finished file; from here on a later attempt goes on with it.

        checkpoint: what that attempt must know. Raises: what `watch` raises; the file is gone then.
        """
        plan = arrival.expected.plan

        def work(tx: Tx) -> None:
            tx.ensure_tenant(arrival.tenant)
            tx.imports(arrival.tenant).add(file)
            if plan is not None:
                tx.pipelines(arrival.tenant).use(file.import_id, plan.facts)
            watch.guard_with(tx, checkpoint)

        try:
            self.store.transact_sync(work)
        except BaseException:
            self.uploads.remove(file.store_path)
            raise


def _attempt(arrival: Arrival, watch: BringingWatch) -> str:
    """Give the name of the file; a worker that was thought dead writes under another one."""
    return f"{arrival.import_id}-{watch.attempt}"
