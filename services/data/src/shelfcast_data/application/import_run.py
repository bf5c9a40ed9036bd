"""One run over the file of an import: what it has stored, what it stores next, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

import numpy as np

from shelfcast_data.application.keep_rejects import RejectKeeper
from shelfcast_data.application.schedule_check import CheckSchedule
from shelfcast_data.domain.archive import EPOCH
from shelfcast_data.domain.data_version import DataVersion, version_name
from shelfcast_data.domain.event import ImportFinished
from shelfcast_data.domain.file_chunk import FileChunk
from shelfcast_data.domain.import_record import Counts, ImportProgress, ImportRecord
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.domain.sales_columns import DaysTaken, Flags, Loaded, Numbers, Places, SalesColumns
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.ports.sales import Load
from shelfcast_data.ports.store import JobWatch, Tx, WorkerStore

PHASE = "loading"


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What came of an import."""

    import_id: str
    """The import."""
    counts: Counts
    """What became of its rows."""
    is_dry_run: bool
    """Whether nothing was stored."""
    data_version: str | None
    """Version that it made; None if it changed nothing."""
    repeated_import_id: str | None
    """Earlier import whose outcome this one repeats; None if the file is new."""


@dataclass(slots=True)
class ImportRun:
    """One run over one file."""

    store: WorkerStore
    rejects: RejectKeeper
    checks: CheckSchedule
    tenant: str
    record: ImportRecord
    watch: JobWatch
    progress: ImportProgress = field(init=False)
    tenant_no: int = 0
    series: dict[tuple[str, str], tuple[int, bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Go on from what is stored."""
        self.progress = self.record.progress

    @property
    def import_id(self) -> str:
        """Id of the import."""
        return self.record.file.import_id

    def open(self) -> None:
        """Reserve a number for the rows, unless an earlier run has done so and it still fits.

        What another import has published meanwhile was not compared with all rows of this one, nor this one
        with it: then it begins anew, as the later of the two.
        """
        load_no = self.progress.load_no
        if load_no is not None and self._is_overtaken(load_no):
            self.drop(keep_report=False)
            self.progress = ImportProgress()
        if self.progress.load_no is None:
            self.progress = self.store.transact_sync(self._opened)
        self.rejects.files.forget_from(self.record, self.progress.offset)

    def _is_overtaken(self, load_no: int) -> bool:
        return self.store.read_sync(lambda tx: tx.imports(self.tenant).any_published_after(load_no))

    def _opened(self, tx: Tx) -> ImportProgress:
        _, load_no = tx.versions(self.tenant).open_load()
        progress = ImportProgress(load_no=load_no)
        tx.imports(self.tenant).save_progress(self.import_id, progress)
        self.watch.guard(tx)
        return progress

    @property
    def load_no(self) -> int:
        """Number of the rows."""
        if self.progress.load_no is None:
            raise AssertionError("the load is open")
        return self.progress.load_no

    def load(self, chunk: FileChunk) -> None:
        """Store a chunk and the news of it in one transaction."""
        new = [pair for pair in chunk.pairs if pair not in self.series]
        if new:
            self.series.update(
                self.store.transact_sync(lambda tx: tx.load(self.tenant, self.load_no).series(new))
            )
        found = [self.series[pair] for pair in chunk.pairs]
        numbers = np.fromiter((number for number, _ in found), np.int64, len(found))
        newness = np.fromiter((is_new for _, is_new in found), np.bool_, len(found))
        sales = chunk.sales.with_series(numbers[chunk.sales.series])
        try:
            work = partial(self._written, chunk, sales, newness[chunk.sales.series])
            self.progress = self.store.transact_sync(work)
        except DaysTaken:
            work = partial(self._written, chunk, sales, np.zeros(len(sales), dtype=bool))
            self.progress = self.store.transact_sync(work)
        self.watch.progress(PHASE, float(chunk.end_offset), float(self.record.file.expanded_bytes))

    def _written(self, chunk: FileChunk, sales: SalesColumns, is_new: Flags, tx: Tx) -> ImportProgress:
        load = tx.load(self.tenant, self.load_no)
        kept, archived = _parted(sales, load.archived_before())
        loaded = (
            self._stored(load, sales.taken(kept), is_new[kept], chunk.rows[kept]) if len(kept) else NOTHING
        )
        late = [
            *_refusals(chunk, kept[loaded.duplicates], "row.duplicate"),
            *_refusals(chunk, archived, "row.archived"),
        ]
        imports = tx.imports(self.tenant)
        refused = sorted([*chunk.rejections, *late], key=_row)
        imports.add_rejections(self.import_id, refused)
        rejected = chunk.rejected_count + len(late)
        told = Counts(
            loaded.accepted_count, rejected, len(loaded.repeated), chunk.filtered_count, chunk.closed_count
        )
        counts = self.progress.counts.plus(told)
        if chunk.preview:
            tx.pipelines(self.tenant).save_preview(self.import_id, chunk.preview)
        progress = ImportProgress(self.load_no, chunk.end_offset, chunk.end_row, counts)
        self.watch.guard(tx)  # from here on nobody else may write the part of the reject file
        progress = self.rejects.keep(self.record, chunk, refused, self.progress, progress)
        imports.save_progress(self.import_id, progress)
        return progress

    def _stored(self, load: Load, sales: SalesColumns, is_new: Flags, rows: Numbers) -> Loaded:
        if not self.is_summed:
            return load.write(sales, is_new)
        load.stage(sales, rows)
        return replace(NOTHING, accepted_count=len(sales))

    @property
    def is_summed(self) -> bool:
        """Whether the rows of a day are added up."""
        return self.record.file.same_day is SameDay.SUM

    def publish(self) -> ImportOutcome:
        """Make the rows seen, as one data version; forget a load that has none or was only a rehearsal."""
        if self.record.file.is_dry_run or not self.progress.counts.accepted:
            self.drop(keep_report=True)
            return self._outcome(None)
        self.watch.progress("publishing", 0.0, 1.0)
        return self._outcome(self.store.transact_sync(self._published).name)

    def _published(self, tx: Tx) -> DataVersion:
        versions, imports = tx.versions(self.tenant), tx.imports(self.tenant)
        version = versions.of_load(self.load_no)
        if version is None:
            tx.hold(self.tenant)
            tenant_no = versions.view().tenant_no
            imports.complete_catalogue(tenant_no, self.load_no)
            cause = f"import:{self.import_id}"
            row_count = self.progress.counts.accepted
            if self.is_summed:
                row_count = imports.loaded_rows(tenant_no, self.load_no)
            version = versions.publish(self.load_no, cause, row_count)
            tx.tell(self.tenant, ImportFinished(self.import_id, row_count), version)
            self.checks.after_import(tx, self.tenant)
        imports.end(self.import_id, version.number)
        self.watch.guard(tx)
        return version

    def stored_outcome(self) -> ImportOutcome:
        """Give the outcome that an earlier run has stored."""
        number = self.record.data_version
        version = None if number is None else version_name(number)
        return self._outcome(version, self.record.repeated_import_id)

    def repeat(self, earlier: ImportRecord) -> ImportOutcome:
        """Give the outcome of an earlier import of the same bytes; nothing changes."""
        before = earlier.progress.counts
        counts = replace(before, accepted=0, repeated=before.accepted + before.repeated)
        self.progress = ImportProgress(counts=counts)

        def work(tx: Tx) -> None:
            imports = tx.imports(self.tenant)
            imports.save_progress(self.import_id, self.progress)
            imports.end(self.import_id, None, earlier.file.import_id)
            self.watch.guard(tx)

        self.store.transact_sync(work)
        return self._outcome(None, earlier.file.import_id)

    def drop(self, *, keep_report: bool) -> None:
        """Delete the rows of the load, some at a time, then the load itself.

        keep_report: whether the import ends with that, and tells of its rows as if they had been stored.
        """
        if not keep_report:
            self.rejects.files.remove(self.record)
        load_no = self.progress.load_no
        if load_no is None:
            return
        tenant_no = self.store.read_sync(lambda tx: tx.versions(self.tenant).view().tenant_no)
        while self.store.transact_sync(partial(self._dropped, tenant_no, load_no)):
            pass

        def forget(tx: Tx) -> None:
            imports = tx.imports(self.tenant)
            imports.forget_load(self.import_id, tenant_no, load_no, keep_report=keep_report)
            if keep_report:  # in one step: a load that is gone without an end would be begun anew
                imports.end(self.import_id, None)
            self.watch.guard(tx)

        self.store.transact_sync(forget)

    def _dropped(self, tenant_no: int, load_no: int, tx: Tx) -> bool:
        has_more = tx.imports(self.tenant).drop_rows(tenant_no, load_no)
        self.watch.guard(tx)
        return has_more

    def _outcome(self, data_version: str | None, repeated: str | None = None) -> ImportOutcome:
        counts, is_dry_run = self.progress.counts, self.record.file.is_dry_run
        return ImportOutcome(self.import_id, counts, is_dry_run, data_version, repeated)


NOTHING = Loaded(0, np.empty(0, np.intp), np.empty(0, np.intp))


def _parted(sales: SalesColumns, archived_before: date | None) -> tuple[Places, Places]:
    """Give the places of rows that can be stored, and of those whose days are archived.

    What is stored of archived days is in files, so that new rows could not be held against it.
    """
    everywhere = np.arange(len(sales))
    if archived_before is None:
        return everywhere, everywhere[:0]
    is_kept = sales.day >= (archived_before - EPOCH).days
    return everywhere[is_kept], everywhere[~is_kept]


def _refusals(chunk: FileChunk, places: Places, rule: str) -> Sequence[Rejection]:
    return [_refusal(chunk, place, rule) for place in places.tolist()]


def _refusal(chunk: FileChunk, place: int, rule: str) -> Rejection:
    shop_id, product_id = chunk.pairs[int(chunk.sales.series[place])]
    day = np.datetime64(int(chunk.sales.day[place]), "D")
    value = f"{shop_id} / {product_id} / {day}"[:200]
    return Rejection(int(chunk.rows[place]), "", value, rule)


def _row(rejection: Rejection) -> int:
    return rejection.row
