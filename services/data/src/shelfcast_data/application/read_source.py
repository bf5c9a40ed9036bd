"""Read the new rows of an import source, and note up to where they are loaded."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from shelfcast_data.application.bring_file import Arrival, FileKeeper
from shelfcast_data.application.plan_pipeline import current_choice
from shelfcast_data.domain.entry import Entry
from shelfcast_data.domain.file_head import Expectation
from shelfcast_data.domain.import_record import NewImport
from shelfcast_data.domain.import_source import IMPORT_SOURCE, ImportSourceFields, Reading, SourceState
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportSourceNotFound, SourceRunOutdated
from shelfcast_data.ports.imports import UploadSink
from shelfcast_data.ports.source import BringingWatch, SourceTables, TableQuery, TableRows
from shelfcast_data.ports.store import Tx

PHASE: Final = "reading"


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """Which source a job reads, and how."""

    tenant: str
    """Tenant whose source it is."""
    job_id: str
    """The job, and the import that it makes."""
    name: str
    """The source."""
    from_start: bool
    """Whether the mark is passed over."""
    is_dry_run: bool
    """Whether rows are only checked."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a job has found in a source."""

    has_file: bool
    """Whether there is a file to be loaded."""
    reading: Reading | None
    """Up to where the source is read then; None if there was no row."""


@dataclass(frozen=True, slots=True)
class ReadSource:
    """Makes files of the new rows of tables."""

    tables: SourceTables
    keeper: FileKeeper

    def __call__(self, order: ReadOrder, watch: BringingWatch) -> Found:
        """Bring the new rows in as the file of an import; rows that the last job has read as well are none.

        An earlier attempt that has brought them in is gone on with.
        Raises: ImportSourceNotFound, SourceRunOutdated, SourceUnreadable, ColumnMissing, MappingInvalid,
        PipelineNotFound, PipelineUnfit, PayloadTooLarge, StorageFull, UpstreamUnavailable; what `watch`
        raises.
        """
        entry, state = self.keeper.store.read_sync(lambda tx: _current(tx, order))
        if self.keeper.is_there(order.tenant, order.job_id):
            return Found(has_file=True, reading=_kept(watch))
        arrival = self._arrival(order, entry.fields)
        plan = arrival.expected.plan
        start = None if order.from_start or _is_whole(arrival) else state.start(entry.fields)
        with self.tables.open(TableQuery(order.tenant, entry.fields, start, plan)) as table:
            arrival = replace(arrival, expected=replace(arrival.expected, mapping=dict(table.mapping)))
            file = self._file(arrival, table, watch)
        if file is None:
            return Found(has_file=False, reading=None)
        reading = Reading(table.mark, entry.fields.read_from, _digest(file), entry.stamp.revision)
        if state.has_read(reading) and not order.from_start:
            self.keeper.uploads.remove(file.store_path)
            return Found(has_file=False, reading=reading)
        self.keeper.keep(arrival, file, watch, asdict(reading))
        return Found(has_file=True, reading=reading)

    def _arrival(self, order: ReadOrder, fields: ImportSourceFields) -> Arrival:
        arrival = Arrival(
            tenant=order.tenant,
            import_id=order.job_id,
            file_name=order.name,
            expected=Expectation(fields.mapping, fields.shop_id),
            is_dry_run=order.is_dry_run,
            same_day=fields.same_day,
        )
        name = fields.pipeline
        if name is None:
            return arrival
        choice = self.keeper.store.read_sync(lambda tx: current_choice(tx, order.tenant, name))
        arrival = self.keeper.planned(arrival, choice)
        is_summed = arrival.expected.plan is not None and arrival.expected.plan.is_summed
        return replace(arrival, same_day=SameDay.SUM) if is_summed else arrival

    def _file(self, arrival: Arrival, table: TableRows, watch: BringingWatch) -> NewImport | None:
        sink = self.keeper.begin(arrival, watch)
        try:
            _fill(sink, table, watch)
            if table.row_count:
                return self.keeper.finish(arrival, sink, watch)
        except BaseException:
            sink.abort()
            raise
        sink.abort()
        return None

    def advance(self, order: ReadOrder, watch: BringingWatch, reading: Reading) -> None:
        """Note up to where a source is loaded; again changes nothing.

        It comes after the rows are published: a crash in between only makes them be read once more.
        """

        def work(tx: Tx) -> None:
            _current(tx, order)
            tx.sources(order.tenant).note_reading(order.name, reading)
            watch.guard(tx)

        self.keeper.store.transact_sync(work)


def _current(tx: Tx, order: ReadOrder) -> tuple[Entry[ImportSourceFields], SourceState]:
    """Give a source that this job is the last to read."""
    entry = tx.entries(IMPORT_SOURCE, order.tenant).get((order.name,))
    if not entry.is_live:
        raise ImportSourceNotFound(name=order.name)
    state = tx.sources(order.tenant).states([order.name])[order.name]
    if state.last_job_id != order.job_id:
        raise SourceRunOutdated(name=order.name, job_id=state.last_job_id or "")
    return entry, state


def _is_whole(arrival: Arrival) -> bool:
    """Say whether all rows must be read: days are added up, and only the pipeline knows the day of a row."""
    return arrival.expected.plan is not None and arrival.same_day is SameDay.SUM


def _digest(file: NewImport) -> str:
    """Give the digest of rows and of what prepares them, so that both must be as they were."""
    if file.pipeline is None:
        return file.digest
    told = [file.digest, file.pipeline.digest, file.pipeline.facts_digest]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()


def _kept(watch: BringingWatch) -> Reading | None:
    """Give what the attempt that brought the file in has noted."""
    noted: dict[str, Any] = dict(watch.checkpoint or {})
    return Reading(**noted) if noted else None


def _fill(sink: UploadSink, table: TableRows, watch: BringingWatch) -> None:
    for piece in table.pieces():
        sink.feed(piece)
        watch.progress(PHASE, float(table.row_count), float(table.row_count + 1))
