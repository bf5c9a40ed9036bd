"""Which database the rows of a view are read from: a replica that has come so far, else the primary.

Rows are never changed and a view names the loads that it shows, so that both give the same rows as soon as
the replica holds the row of the view's version: it was committed after all rows that the view shows.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from prometheus_client import Counter
from shelfcast_servicekit.errors import UpstreamUnavailable
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError

from shelfcast_data.adapters.sql.schema import DATA_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelfcast_servicekit.transact import Transactor

    from shelfcast_data.adapters.sql.transaction import DataTx
    from shelfcast_data.domain.data_version import View

T = TypeVar("T")
Version = tuple[object, ...]

PAUSE_SECONDS: Final = 10.0
"""How long a replica that did not answer is left alone."""

_LOG: Final = logging.getLogger("shelfcast.replica")
_READS: Final = Counter(
    "replica_reads_total",
    "Reads of a fixed data version: on the replica; on the primary, as the replica was behind or away.",
    ("outcome",),
)
_C = DATA_VERSIONS.c
_VERSION: Final = select(_C.load_no, _C.created_at, _C.row_count).where(
    _C.tenant_no == bindparam("tenant_no"), _C.number == bindparam("number")
)


class ViewReads:
    """Reads of one view; once the replica is gone, all further ones are done on the primary."""

    def __init__(self, route: ReadRoute, replica: Transactor[DataTx] | None) -> None:
        """Read from `replica` as long as it answers; from the start on the primary if there is none."""
        self._route = route
        self._replica = replica

    def read_sync(self, work: Callable[[DataTx], T]) -> T:
        """Give what `work` reads; it may run more than once. Raises: as `Transactor.read_sync`."""
        replica = self._replica
        if replica is not None:
            try:
                return replica.read_sync(work)
            except UpstreamUnavailable as error:
                self._replica = None
                self._route.leave_alone(error)
        return self._route.primary.read_sync(work)


class ReadRoute:
    """Chooses for each view; for many threads."""

    def __init__(
        self,
        primary: Transactor[DataTx],
        replica: Transactor[DataTx] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read from `replica` where it can answer. clock: seconds."""
        self.primary = primary
        self._replica = replica
        self._clock = clock
        self._alone_until = float("-inf")

    def to(self, view: View) -> ViewReads:
        """Give the reads of a view."""
        replica = self._replica
        if replica is None or not view.number:
            return ViewReads(self, None)
        outcome = self._outcome(replica, view)
        _READS.labels(outcome).inc()
        return ViewReads(self, replica if outcome == "replica" else None)

    def _outcome(self, replica: Transactor[DataTx], view: View) -> str:
        if self._clock() < self._alone_until:
            return "away"
        try:
            held = replica.read_sync(lambda tx: _version(tx, view))
        except (UpstreamUnavailable, DBAPIError) as error:
            self.leave_alone(error)
            return "away"
        # The whole row, so that a database of another history is no replica.
        return (
            "replica" if held and held == self.primary.read_sync(lambda tx: _version(tx, view)) else "behind"
        )

    def leave_alone(self, error: UpstreamUnavailable | DBAPIError) -> None:
        """Ask the replica nothing for a while."""
        self._alone_until = self._clock() + PAUSE_SECONDS
        cause = error.__cause__ if isinstance(error, UpstreamUnavailable) else error
        reason = getattr(cause, "orig", None) or cause or error
        _LOG.warning("the replica does not answer, the primary is read: %s", reason)


def _version(tx: DataTx, view: View) -> Version | None:
    row = tx.connection.execute(_VERSION, {"tenant_no": view.tenant_no, "number": view.number}).one_or_none()
    return None if row is None else tuple(row)
