"""Load the file of an import: chunk by chunk, each in one transaction, seen by nobody until all is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shelfcast_servicekit.jobs.errors import JobHandedBack

from shelfcast_data.application.add_up_days import add_up_days
from shelfcast_data.application.import_run import ImportOutcome, ImportRun
from shelfcast_data.application.keep_rejects import RejectKeeper
from shelfcast_data.application.schedule_check import CheckSchedule
from shelfcast_data.domain.import_record import ImportRecord
from shelfcast_data.errors import FileRefused
from shelfcast_data.ports.imports import ImportFiles
from shelfcast_data.ports.store import JobWatch, WorkerStore

TURN_SECONDS: Final = 2.0
"""After so long an import asks again whether the one before it has ended."""


@dataclass(frozen=True, slots=True)
class ImportSales:
    """Runs imports, one of each tenant at a time; a second run goes on where the first one stopped."""

    store: WorkerStore
    files: ImportFiles
    rejects: RejectKeeper
    rows_at_once: int
    """Rows that are added up in one transaction; memory follows it."""
    checks: CheckSchedule
    """Asks for a check of what is published."""
    is_feed: bool = False
    """Whether the same bytes may mean something new: a table that says again what it said some time ago."""

    def __call__(self, tenant: str, import_id: str, watch: JobWatch) -> ImportOutcome:
        """Load an import's file and publish its rows as one data version.

        Raises: FileRefused after everything loaded so far was dropped; JobHandedBack while another import of
        the tenant runs, whose rows this one must see; what `watch` raises.
        """
        run = self._run(tenant, import_id, watch)
        record = run.record
        if record.is_loaded:  # the last run died between its last commit and the end of its job
            self.files.remove(record)
            return run.stored_outcome()
        if not record.file.is_dry_run and not self.store.transact_sync(
            lambda tx: tx.imports(tenant).take_turn(import_id)
        ):
            raise JobHandedBack(import_id, TURN_SECONDS)
        earlier = None if self.is_feed else self._earlier(tenant, record)
        outcome = self._loaded(run) if earlier is None else run.repeat(earlier)
        self.files.remove(record)
        return outcome

    def _earlier(self, tenant: str, record: ImportRecord) -> ImportRecord | None:
        return self.store.read_sync(lambda tx: tx.imports(tenant).earlier(record))

    def _run(self, tenant: str, import_id: str, watch: JobWatch) -> ImportRun:
        record = self.store.read_sync(lambda tx: tx.imports(tenant).get(import_id))
        return ImportRun(self.store, self.rejects, self.checks, tenant, record, watch)

    def _loaded(self, run: ImportRun) -> ImportOutcome:
        run.open()
        record = run.record
        plan = None
        if record.file.pipeline is not None:
            plan = self.store.read_sync(lambda tx: tx.pipelines(run.tenant).plan_of(record.file))
        chunks = self.files.chunks(record, plan)
        try:
            for chunk in chunks:
                run.load(chunk)
            if run.is_summed:
                add_up_days(run, self.rows_at_once)
        except FileRefused:
            run.drop(keep_report=False)
            raise
        return run.publish()

    def drop(self, tenant: str, import_id: str, watch: JobWatch) -> None:
        """Let a cancelled import be as if it had never loaded a row."""
        self._run(tenant, import_id, watch).drop(keep_report=False)
