"""The daily round: archive, prune, let go of what is old enough."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.transact import Transactor

from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.retention.old_imports import OldImports
from shelfcast_data.adapters.retention.orphans import Orphans
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.bootstrap.archive import archiver, tenants_of
from shelfcast_data.bootstrap.database import at_newest
from shelfcast_data.domain.archive import months_ago

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shelfcast_data.settings import DataSettings

FIRST_PAUSE_SECONDS: Final = 900.0
_LOG: Final = logging.getLogger("shelfcast.maintenance")


@dataclass(slots=True)
class MaintenanceReport:
    """What one round did."""

    archived_months: int = 0
    """Months that were moved into files."""
    orphan_files: int = 0
    """Files of snapshots and of the archive that nothing listed."""
    import_files: int = 0
    """Files of imports that failed or were cancelled."""
    reject_files: int = 0
    """Imports whose refused rows were removed."""
    jobs: int = 0
    """Ended jobs that were deleted."""
    refused: list[str] = field(default_factory=list)
    """What could not be done, and why."""


def maintain(settings: DataSettings) -> MaintenanceReport:
    """Do one round. Raises: OperationRefused, StorageFull."""
    report = MaintenanceReport()
    now = datetime.now(UTC)
    with at_newest(settings) as (engine, _):
        store: Transactor[DataTx] = Transactor(engine, None, DataTx)
        folder = Folder(settings.store_url)
        if settings.archive_after_months:
            _archive(settings, engine, now, report)
        report.orphan_files = Orphans(store, folder).remove(now)
        old = OldImports(store, folder)
        if days := settings.keep_import_files_days:
            report.import_files = old.remove_files(now - timedelta(days=days))
        if days := settings.keep_reject_files_days:
            report.reject_files = old.remove_rejects(now - timedelta(days=days))
        if days := settings.keep_jobs_days:
            report.jobs = old.remove_jobs(now - timedelta(days=days))
    return report


def _archive(settings: DataSettings, engine: Engine, now: datetime, report: MaintenanceReport) -> None:
    before = months_ago(now.date(), settings.archive_after_months)
    for tenant in tenants_of(engine):
        try:
            report.archived_months += archiver(settings, engine, tenant).archive(before).month_count
        except OperationRefused as error:
            report.refused.append(f"{tenant}: {error}")


async def keep_maintained(hours: float) -> None:
    """Do a round now and then, in a process of its own that may be ended at any time."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        await asyncio.sleep(pause)
        pause = hours * 3600
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "shelfcast_data", "maintain")
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            child.terminate()
            await child.wait()
            raise
        if code:
            _LOG.error("maintenance ended with code %s; the next round is in %s hours", code, hours)
