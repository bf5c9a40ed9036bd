"""Let an import ask for a check of what it has brought, though not too often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shelfcast_servicekit.jobs.domain import JobSubmission

from shelfcast_data.domain.quality import JOB_KIND
from shelfcast_data.ports.store import Tx

PRINCIPAL: Final = "service:data"
"""Who asks for checks that nobody else has asked for."""


@dataclass(frozen=True, slots=True)
class CheckSchedule:
    """Keeps the checks of a tenant that imports ask for apart."""

    every_seconds: float | None
    """Least time between two of them; None asks for none."""

    def after_import(self, tx: Tx, tenant: str) -> None:
        """Ask for a check, now or as soon as the last one is long enough ago; one that waits is enough.

        The caller holds the tenant, so that two imports do not both ask.
        """
        if self.every_seconds is None:
            return
        turns = tx.quality(tenant).turns()
        if turns.waiting() is not None:
            return
        since = turns.seconds_since_last()
        delay = 0.0 if since is None else max(0.0, self.every_seconds - since)
        tx.jobs().submit(JobSubmission(tenant, JOB_KIND, PRINCIPAL, run_after_seconds=delay))
