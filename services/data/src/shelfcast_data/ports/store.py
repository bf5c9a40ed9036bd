"""The store: transactions, and everything that a use case may read and write in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from shelfcast_servicekit.jobs.domain import Job, JobSubmission

from shelfcast_data.domain.api_key import ApiKey
from shelfcast_data.domain.data_version import DataVersion
from shelfcast_data.domain.entry import F, Kind
from shelfcast_data.domain.event import Happening
from shelfcast_data.ports.api_keys import ApiKeys
from shelfcast_data.ports.catalogue import CategoryPaths, Entries
from shelfcast_data.ports.imports import Imports
from shelfcast_data.ports.pipelines import Pipelines
from shelfcast_data.ports.quality import Quality
from shelfcast_data.ports.sales import Load, Sales, Versions
from shelfcast_data.ports.source import Sources
from shelfcast_data.ports.stock import Inventory, Stock, StockCounts, Stockouts

T = TypeVar("T")


class Jobs(Protocol):
    """The job table."""

    def submit(self, submission: JobSubmission) -> Job:
        """Store a job as pending. Raises: IdempotencyKeyReused."""

    def get(self, tenant: str, job_id: str) -> Job:
        """Give a job of a tenant. Raises: JobNotFound."""

    def request_cancel(self, tenant: str, job_id: str) -> Job:
        """Cancel a waiting job, or ask a running one to stop. Raises: JobNotFound, StateConflict."""

    def has_key(self, tenant: str, kind: str, idempotency_key: str | None) -> bool:
        """Say whether a job of a kind is stored under an idempotency key; None is the key of no job."""


class Tx(Protocol):
    """One transaction; each part is asked for by tenant."""

    def entries(self, kind: Kind[F], tenant: str) -> Entries[F]:
        """Give the entries of one kind of a tenant."""

    def category_paths(self, tenant: str) -> CategoryPaths:
        """Give the paths of a tenant's categories."""

    def api_keys(self, tenant: str) -> ApiKeys:
        """Give the API keys of a tenant."""

    def find_key(self, key_id: str) -> ApiKey | None:
        """Give a key of whatever tenant."""

    def versions(self, tenant: str) -> Versions:
        """Give the data versions of a tenant."""

    def sales(self, tenant: str) -> Sales:
        """Give the sales of a tenant."""

    def imports(self, tenant: str) -> Imports:
        """Give the imports of a tenant."""

    def pipelines(self, tenant: str) -> Pipelines:
        """Give the versions of a tenant's pipelines."""

    def load(self, tenant: str, load_no: int) -> Load:
        """Give the rows of a load."""

    def stock(self, tenant: str) -> Stock:
        """Give the stock ledger of a tenant."""

    def stock_counts(self, tenant: str) -> StockCounts:
        """Give a count sheet of a tenant, to be filled."""

    def inventory(self, tenant: str) -> Inventory:
        """Give the levels of a tenant."""

    def stockouts(self, tenant: str) -> Stockouts:
        """Give what is known of the availability of a tenant's products."""

    def quality(self, tenant: str) -> Quality:
        """Give the checks of a tenant's sales."""

    def sources(self, tenant: str) -> Sources:
        """Give what has become of a tenant's import sources."""

    def due_sources(self, limit: int) -> Sequence[tuple[str, str]]:
        """Give tenant and name of up to `limit` import sources whose time has come."""

    def jobs(self) -> Jobs:
        """Give the job table."""

    def ensure_tenant(self, tenant: str) -> None:
        """Make the tenant known."""

    def hold(self, tenant: str) -> None:
        """Let nobody else change the tenant's catalogue until the commit."""

    def touched(self, tenant: str, cause: str) -> DataVersion:
        """Make a new data version because the catalogue has changed."""

    def tell(self, tenant: str, happening: Happening, version: DataVersion | None = None) -> None:
        """Tell the world of a change if it is committed; after the version that it made."""

    def tell_all(self, tenant: str, happenings: Sequence[Happening], version: DataVersion) -> None:
        """Do as `tell` for several changes of one version."""


class Store(Protocol):
    """Transactions as a service runs them."""

    async def transact(self, work: Callable[[Tx], T]) -> T:
        """Commit everything that `work` does, or nothing; it may run more than once."""

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Give what `work` reads."""


class WorkerStore(Protocol):
    """Transactions as a worker runs them."""

    def transact_sync(self, work: Callable[[Tx], T]) -> T:
        """Commit everything that `work` does, or nothing; it may run more than once."""

    def read_sync(self, work: Callable[[Tx], T]) -> T:
        """Give what `work` reads."""


class JobWatch(Protocol):
    """What an import tells its job, and what the job tells it."""

    def progress(self, phase: str, done: float, total: float) -> None:
        """Tell how far the work is; raises where it must stop."""

    def guard(self, tx: Tx) -> None:
        """Let the transaction through only while this worker holds the job."""
