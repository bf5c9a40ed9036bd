"""Hand import sources to a worker: when somebody asks, and when their schedule does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from shelfcast_servicekit.errors import FieldRuleViolated, Violation
from shelfcast_servicekit.jobs.domain import Job, JobSubmission

from shelfcast_data.application.catalogue_rule import Proposal, Rules
from shelfcast_data.domain.entry import Entry
from shelfcast_data.domain.identifier import stored_id
from shelfcast_data.domain.import_source import IMPORT_SOURCE, ImportSourceFields, SourceState
from shelfcast_data.domain.pipeline import PIPELINE
from shelfcast_data.errors import ImportSourceNotFound, ImportSourceRunning
from shelfcast_data.ports.store import Store, Tx

JOB_KIND: Final = "import.table"
FIRED_AT_ONCE: Final = 100
LONGEST_PRINCIPAL: Final = 255


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What somebody says who wants a source to be read."""

    tenant: str
    """Tenant whose source it is."""
    name: str
    """The source."""
    principal: str
    """Who asks."""
    from_start: bool = False
    """Whether the mark is passed over."""
    is_dry_run: bool = False
    """Whether rows are only checked."""
    idempotency_key: str | None = None
    """The same key gives the same job."""


@dataclass(frozen=True, slots=True)
class SourceRuns:
    """Hands sources to a worker."""

    store: Store
    wake: Callable[[], None]
    """Announces jobs to a worker at once."""

    async def run(self, order: RunOrder) -> Job:
        """Submit the job that reads a source.

        Raises: ImportSourceNotFound, ImportSourceRunning, IdempotencyKeyReused.
        """
        order = replace(order, name=stored_id(order.name, "/name"))
        job = await self.store.transact(partial(_handed_over, order))
        self.wake()
        return job

    async def states(self, tenant: str, names: Collection[str]) -> Mapping[str, SourceState]:
        """Give what has become of sources, by name."""
        return await self.store.read(lambda tx: tx.sources(tenant).states(names))

    async def fire(self) -> int:
        """Submit a job for each source of any tenant whose time has come; give how many.

        A source whose times were missed is read once. Several processes may do this side by side.
        """
        fired = 0
        for tenant, name in await self._due():
            fired += await self.store.transact(partial(_fired, tenant, name))
        if fired:
            self.wake()
        return fired

    async def _due(self) -> Sequence[tuple[str, str]]:
        return await self.store.read(lambda tx: tx.due_sources(FIRED_AT_ONCE))


def _fired(tenant: str, name: str, tx: Tx) -> bool:
    sources = tx.sources(tenant)
    state, now = sources.locked(name), sources.now()
    if state.next_run_at is None or state.next_run_at > now:  # another process was faster
        return False
    fields = tx.entries(IMPORT_SOURCE, tenant).get((name,)).fields
    sources.plan(name, fields.schedule.next_after(now))
    if state.is_running:
        return False
    _handed_over(RunOrder(tenant, name, f"schedule:{name}"[:LONGEST_PRINCIPAL]), tx)
    return True


def _handed_over(order: RunOrder, tx: Tx) -> Job:
    entry = tx.entries(IMPORT_SOURCE, order.tenant).get((order.name,))
    if not entry.is_live:
        raise ImportSourceNotFound(name=order.name)
    sources = tx.sources(order.tenant)
    state = sources.locked(order.name)
    submission = JobSubmission(
        tenant=order.tenant,
        kind=JOB_KIND,
        submitted_by=order.principal,
        input={"source": order.name, "from_start": order.from_start, "dry_run": order.is_dry_run},
        idempotency_key=order.idempotency_key,
        job_id=str(uuid.uuid4()),
    )
    job = tx.jobs().submit(submission)
    if job.job_id != submission.job_id:
        return job
    if state.is_running:
        raise ImportSourceRunning(name=order.name, job_id=state.last_job_id or "")
    sources.note_run(order.name, job.job_id)
    return job


@dataclass(frozen=True, slots=True)
class SourceRule:
    """What must hold of a source, and its schedule, which begins and ends with it."""

    connections: Callable[[str], Collection[str]]
    """Gives the names of the connections that the operator has set for a tenant."""

    @property
    def rules(self) -> Rules[ImportSourceFields]:
        """Give the rules of the catalogue."""
        return Rules(self.admit, self.release)

    def admit(self, proposal: Proposal[ImportSourceFields]) -> ImportSourceFields:
        """Give the fields of a source and plan its next run. Raises: FieldRuleViolated."""
        fields, known = proposal.fields, proposal.known
        faults: list[Violation] = []
        if known is None or known.fields.connection != fields.connection:
            faults += self._connection_faults(proposal.tenant, fields.connection)
        if fields.pipeline is not None and (known is None or known.fields.pipeline != fields.pipeline):
            faults += _pipeline_faults(proposal, fields.pipeline)
        if faults:
            raise FieldRuleViolated(violations=faults)
        if known is None or not known.is_live or known.fields.schedule != fields.schedule:
            sources = proposal.tx.sources(proposal.tenant)
            sources.plan(proposal.key[-1], fields.schedule.next_after(sources.now()))
        return fields

    def _connection_faults(self, tenant: str, name: str) -> list[Violation]:
        if name in self.connections(tenant):
            return []
        detail = "The operator has set no such connection for this tenant in SHELFCAST_DATA_SOURCES."
        return [Violation("/import_source/connection", detail, "connection.known")]

    def release(self, tx: Tx, tenant: str, entry: Entry[ImportSourceFields]) -> None:
        """End the schedule of a source that is deleted."""
        tx.sources(tenant).plan(entry.entry_id, None)


def _pipeline_faults(proposal: Proposal[ImportSourceFields], name: str) -> list[Violation]:
    found = proposal.tx.entries(PIPELINE, proposal.tenant).known([name])
    if name in found and found[name].is_live:
        return []
    detail = "There is no such pipeline; list them with GET /api/v1/pipelines."
    return [Violation("/import_source/pipeline", detail, "pipeline.known")]
