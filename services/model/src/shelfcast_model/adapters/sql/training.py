"""The registry as a training job sees it: on the calling thread, and fenced by the job's lease."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelfcast_servicekit.jobs.context import JobContext
    from shelfcast_servicekit.transact import Transactor

    from shelfcast_model.adapters.sql.registry import SqlRegistryTx
    from shelfcast_model.ports import RegistryTx

T = TypeVar("T")


class SqlTrainingRegistry:
    """Reads and writes the registry in the database that keeps the job table."""

    def __init__(self, transactor: Transactor[SqlRegistryTx]) -> None:
        """Use a Transactor made without an executor."""
        self._transactor = transactor

    def now(self) -> datetime:
        """Give the time."""
        return datetime.now(UTC)

    def read(self, work: Callable[[RegistryTx], T]) -> T:
        """Give what `work` reads."""
        return self._transactor.read_sync(work)

    def commit(self, work: Callable[[RegistryTx], T], context: JobContext) -> T:
        """Commit what `work` does, if the job is still held. Raises: JobLeaseLost."""

        def fenced(tx: SqlRegistryTx) -> T:
            result = work(tx)
            context.guard(tx.connection)
            return result

        return self._transactor.transact_sync(fenced)
