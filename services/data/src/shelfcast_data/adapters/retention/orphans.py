"""Files of snapshots and of the archive that nothing lists any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import select

from shelfcast_data.adapters.archive.files import FOLDER as ARCHIVE
from shelfcast_data.adapters.sql.schema import SALES_ARCHIVES, SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelfcast_servicekit.transact import Transactor

    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.adapters.sql.transaction import DataTx

SNAPSHOT_FOLDER: Final = "snapshots"
ORPHAN_AGE: Final = timedelta(days=2)
"""Age at which a file counts as left over: a younger one may be listed yet, or being read."""
_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Orphans:
    """Finds and removes them."""

    store: Transactor[DataTx]
    folder: Folder

    def remove(self, now: datetime) -> int:
        """Remove what nothing lists and no writer has touched for two days; give how many files it was."""
        unlisted = set(self._unlisted())
        old = [path for path in sorted(unlisted) if self.folder.modified(path) < now - ORPHAN_AGE]
        for store_path in old:
            self.folder.remove(store_path)
        return len(old)

    def _unlisted(self) -> Iterator[str]:
        # The files first: one that is written and listed meanwhile is not among them.
        found = [path for place in (SNAPSHOT_FOLDER, ARCHIVE) for path in self.folder.all_paths(place)]
        listed = self._listed()
        return (path for path in found if path not in listed and not path.endswith(f"/{_MANIFEST}"))

    def _listed(self) -> set[str]:
        def work(tx: DataTx) -> tuple[list[str], list[str]]:
            run = tx.connection.execute
            return (
                list(run(select(SNAPSHOTS.c.store_path)).scalars()),
                list(run(select(SALES_ARCHIVES.c.store_path)).scalars()),
            )

        lists, archived = self.store.read_sync(work)
        return {*lists, *archived, *(part for each in lists for part in self._parts(each))}

    def _parts(self, list_path: str) -> Iterator[str]:
        """Give the parts of a snapshot; none of a damaged one, which is made anew when it is asked for."""
        try:
            with self.folder.open(list_path) as file:
                parts = orjson.loads(file.read())["parts"]
        except (FileNotFoundError, orjson.JSONDecodeError):
            return
        place = list_path.rpartition("/")[0]
        yield from (f"{place}/part-{part['digest'][:32]}.parquet" for part in parts)
