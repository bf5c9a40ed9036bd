"""The worker's side of imports and checks: the job engine's handlers around the use cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shelfcast_servicekit.jobs.domain import JobOutcome
from shelfcast_servicekit.jobs.errors import JobCancelled

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.context import JobContext

    from shelfcast_data.application.check_quality import CheckQuality
    from shelfcast_data.application.import_run import ImportOutcome
    from shelfcast_data.application.import_sales import ImportSales
    from shelfcast_data.ports.store import Tx

Fence = Callable[["JobContext", "Tx"], None]
"""Lets a transaction through only while the worker of the job holds it."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """Ties a use case to its job."""

    context: JobContext
    fence: Fence

    def progress(self, phase: str, done: float, total: float) -> None:
        """Tell how far the work is; raises where it must stop."""
        self.context.progress(phase, done, total)

    def guard(self, tx: Tx) -> None:
        """Let the transaction through only while this worker holds the job."""
        self.fence(self.context, tx)


@dataclass(frozen=True, slots=True)
class ImportHandler:
    """Runs the jobs of kind `import`; the id of the job is the id of the import."""

    import_sales: ImportSales
    fence: Fence
    announce: Callable[[str, str], None]
    """Announces a tenant's new data version."""

    def run(self, context: JobContext) -> JobOutcome:
        """Load the file of an import. Raises: FileRefused; JobStopped passes through."""
        job_id, watch = context.job.job_id, _Watch(context, self.fence)
        try:
            outcome = self.import_sales(context.tenant, job_id, watch)
        except JobCancelled:
            self.import_sales.drop(context.tenant, job_id, watch)
            raise
        if outcome.data_version is not None:
            self.announce(context.tenant, outcome.data_version)
        return JobOutcome(_result(outcome), f"/api/v1/imports/{job_id}")


def _result(outcome: ImportOutcome) -> dict[str, object]:
    return {
        "import_id": outcome.import_id,
        "accepted_count": outcome.counts.accepted,
        "rejected_count": outcome.counts.rejected,
        "repeated_count": outcome.counts.repeated,
        "is_dry_run": outcome.is_dry_run,
        "data_version": outcome.data_version,
        "repeated_import_id": outcome.repeated_import_id,
    }


@dataclass(frozen=True, slots=True)
class QualityHandler:
    """Runs the jobs of kind `data.quality`; the id of the job is the id of the check."""

    check_quality: CheckQuality
    fence: Fence

    def run(self, context: JobContext) -> JobOutcome:
        """Check the sales of the newest version. JobStopped passes through."""
        summary = self.check_quality(context.tenant, context.job.job_id, _Watch(context, self.fence))
        return JobOutcome(asdict(summary), "/api/v1/data-quality/findings")
