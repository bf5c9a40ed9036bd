"""The worker's side of imports by URL and from tables: bring the file in, then load it like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shelfcast_servicekit.jobs.domain import JobOutcome

from shelfcast_data.application.bring_file import Arrival
from shelfcast_data.application.read_source import ReadOrder
from shelfcast_data.domain.file_head import Expectation
from shelfcast_data.domain.pipeline_plan import PipelineChoice
from shelfcast_data.domain.same_day import SameDay

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.context import JobContext

    from shelfcast_data.application.fetch_import import FetchFile
    from shelfcast_data.application.read_source import ReadSource
    from shelfcast_data.entrypoints.worker import ImportHandler
    from shelfcast_data.ports.store import Tx

Noted = Mapping[str, object] | None
NotingFence = Callable[["JobContext", "Tx", Noted], None]
"""Lets a transaction through only while the worker of the job holds it, and stores a checkpoint with it."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """Ties the bringing in of a file to its job."""

    context: JobContext
    fence: NotingFence

    @property
    def attempt(self) -> int:
        """Number of the attempt; no two have the same."""
        return self.context.fence

    @property
    def checkpoint(self) -> Noted:
        """What an earlier attempt has stored with the file; None before that."""
        return self.context.checkpoint

    def progress(self, phase: str, done: float, total: float) -> None:
        """Tell how far the work is; raises where it must stop."""
        self.context.progress(phase, done, total)

    def guard(self, tx: Tx) -> None:
        """Let the transaction through only while this worker holds the job."""
        self.fence(self.context, tx, None)

    def guard_with(self, tx: Tx, checkpoint: Mapping[str, object]) -> None:
        """Do as `guard`, and store what a later attempt must know."""
        self.fence(self.context, tx, checkpoint)


@dataclass(frozen=True, slots=True)
class FetchHandler:
    """Runs the jobs of kind `import.url`; the id of the job is the id of the import."""

    fetch_file: FetchFile
    imports: ImportHandler
    fence: NotingFence

    def run(self, context: JobContext) -> JobOutcome:
        """Fetch a file and load it. Raises: UrlRefused, FetchFailed, FileRefused; JobStopped passes."""
        arrival = _arrival(context)
        watch = _Watch(context, self.fence)
        self.fetch_file(arrival, str(context.input["url"]), watch, _pipeline(context))
        return self.imports.run(context)


@dataclass(frozen=True, slots=True)
class SourceHandler:
    """Runs the jobs of kind `import.table`; the id of the job is that of the import, if it makes one."""

    read_source: ReadSource
    imports: ImportHandler
    fence: NotingFence

    def run(self, context: JobContext) -> JobOutcome:
        """Read the new rows of a source and load them. Raises: SourceUnreadable; JobStopped passes."""
        told, watch = context.input, _Watch(context, self.fence)
        order = ReadOrder(
            tenant=context.tenant,
            job_id=context.job.job_id,
            name=str(told["source"]),
            from_start=bool(told["from_start"]),
            is_dry_run=bool(told["dry_run"]),
        )
        found = self.read_source(order, watch)
        outcome = self.imports.run(context) if found.has_file else JobOutcome({"import_id": None})
        if found.reading is not None and not order.is_dry_run:
            self.read_source.advance(order, watch, found.reading)
        return outcome


def _pipeline(context: JobContext) -> PipelineChoice | None:
    told: Mapping[str, Any] = context.input
    return PipelineChoice(told["pipeline"], told["pipeline_version"]) if "pipeline" in told else None


def _arrival(context: JobContext) -> Arrival:
    """Give the file that the input of a job orders."""
    told: Mapping[str, Any] = context.input
    return Arrival(
        tenant=context.tenant,
        import_id=context.job.job_id,
        file_name=told["file_name"],
        expected=Expectation(told["mapping"], told["shop_id"]),
        is_dry_run=told["dry_run"],
        same_day=SameDay(told["same_day"]),
    )
