"""Files of imports, refused rows and jobs that ended long ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.jobs.domain import ENDED, RETRYABLE
from sqlalchemy import delete, exists, select

from shelfcast_data.adapters.files.reject_parts import SUFFIX
from shelfcast_data.adapters.sql.schema import IMPORTS, JOBS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from shelfcast_servicekit.jobs.domain import JobStatus
    from shelfcast_servicekit.transact import Transactor

    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.adapters.sql.transaction import DataTx

IMPORT_FOLDER: Final = "imports"
JOBS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class OldImports:
    """Lets go of what is kept beside the rows of imports."""

    store: Transactor[DataTx]
    folder: Folder

    def remove_files(self, ended_before: datetime) -> int:
        """Remove files of imports that failed or were cancelled; give how many there were."""
        return self._remove(self._ended(RETRYABLE, ended_before), "")

    def remove_rejects(self, ended_before: datetime) -> int:
        """Remove refused rows that are kept for reject files; give how many imports had some."""
        return self._remove(self._ended(ENDED, ended_before), SUFFIX)

    def _remove(self, store_paths: Sequence[str], suffix: str) -> int:
        there = {path.split(f"{SUFFIX}/")[0] + (SUFFIX if SUFFIX in path else "") for path in self._paths()}
        old = [path + suffix for path in store_paths if path + suffix in there]
        for path in old:
            self.folder.remove_all(path)
        return len(old)

    def _paths(self) -> Sequence[str]:
        return self.folder.paths(IMPORT_FOLDER)

    def _ended(self, status: Collection[JobStatus], before: datetime) -> Sequence[str]:
        query = select(IMPORTS.c.store_path).join(JOBS, JOBS.c.job_id == IMPORTS.c.import_id)
        query = query.where(JOBS.c.status.in_([each.value for each in status]), JOBS.c.completed_at < before)
        return self.store.read_sync(lambda tx: list(tx.connection.execute(query).scalars()))

    def remove_jobs(self, ended_before: datetime) -> int:
        """Delete ended jobs, but for those of imports, which are their record; give how many there were."""
        is_import = exists().where(IMPORTS.c.import_id == JOBS.c.job_id)
        old = select(JOBS.c.job_id).where(
            JOBS.c.status.in_([each.value for each in ENDED]), JOBS.c.completed_at < ended_before, ~is_import
        )

        def work(tx: DataTx) -> int:
            ids = list(tx.connection.execute(old.limit(JOBS_AT_ONCE)).scalars())
            tx.connection.execute(delete(JOBS).where(JOBS.c.job_id.in_(ids)))
            return len(ids)

        count = 0
        while gone := self.store.transact_sync(work):
            count += gone
        return count
