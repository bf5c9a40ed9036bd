"""Import sources: tables of other databases that sales are read from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.catalogue_entry import length_fault, required_fault
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import zone_faults
from shelfcast_data.domain.high_water_mark import Mark, less_overlap, mark_of
from shelfcast_data.domain.import_mapping import mapping_faults, shop_faults
from shelfcast_data.domain.run_schedule import MOST_MINUTES, TIME_OF_DAY, RunSchedule
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportSourceExists, ImportSourceNotFound

LONGEST_NAME: Final = 128


@dataclass(frozen=True, slots=True)
class ImportSourceFields:
    """What a client says about a source."""

    connection: str = ""
    """Name of a connection that the operator has set for the tenant."""
    table_name: str = ""
    """Table or view."""
    table_schema: str | None = None
    """Schema of the table; None means the connection's own."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Column for each field, or field for each column."""
    shop_id: str | None = None
    """Shop of all rows; None means that the table has a shop column."""
    same_day: SameDay = SameDay.REFUSE
    """What becomes of several rows for one day."""
    mark_column: str | None = None
    """Column that tells which rows are new; None means that each run reads all rows."""
    mark_overlap: float = 0.0
    """How far before the last mark a run begins, in seconds for a time, else in the column's unit."""
    every_minutes: int | None = None
    """Minutes from run to run; None means that there is no such schedule."""
    daily_at: str | None = None
    """Time of each day's run, `HH:MM`; None means that there is no such schedule."""
    time_zone: str = ""
    """IANA time zone of `daily_at`; empty means UTC."""
    pipeline: str | None = None
    """Pipeline that prepares the rows; None means none."""

    @property
    def schedule(self) -> RunSchedule:
        """When the source is read by itself."""
        return RunSchedule(self.every_minutes, self.daily_at, self.time_zone)

    @property
    def read_from(self) -> str:
        """Digest of what a mark belongs to: connection, table and column."""
        told = [self.connection, self.table_schema, self.table_name, self.mark_column]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return [
            *self._name_faults(at),
            *mapping_faults(f"{at}/mapping", self.mapping),
            *shop_faults(f"{at}/shop_id", self.shop_id),
            *self._overlap_faults(f"{at}/mark_overlap"),
            *self._schedule_faults(at),
        ]

    def _name_faults(self, at: str) -> list[Violation]:
        faults = [
            required_fault(f"{at}/{name}") for name in ("connection", "table_name") if not getattr(self, name)
        ]
        for name in ("connection", "table_name", "table_schema", "mark_column", "pipeline"):
            faults += length_fault(f"{at}/{name}", getattr(self, name), LONGEST_NAME)
        return faults

    def _overlap_faults(self, at: str) -> list[Violation]:
        if math.isfinite(self.mark_overlap) and self.mark_overlap >= 0:
            return []
        return [Violation(at, "It is a number from 0 on.", "mark_overlap.range")]

    def _schedule_faults(self, at: str) -> list[Violation]:
        faults = list(zone_faults(f"{at}/time_zone", self.time_zone))
        if self.every_minutes is not None and not 1 <= self.every_minutes <= MOST_MINUTES:
            detail = f"Minutes from run to run are 1 to {MOST_MINUTES}."
            faults.append(Violation(f"{at}/every_minutes", detail, "every_minutes.range"))
        if self.daily_at is not None and not TIME_OF_DAY.fullmatch(self.daily_at):
            faults.append(Violation(f"{at}/daily_at", "Write the time of day as HH:MM.", "daily_at.form"))
        if self.every_minutes is not None and self.daily_at is not None:
            detail = "A source has one schedule: every so many minutes, or once a day."
            faults.append(Violation(f"{at}/daily_at", detail, "schedule.one"))
        return faults


IMPORT_SOURCE: Final = Kind(
    "import_source",
    ("name",),
    ImportSourceFields,
    ImportSourceNotFound,
    ImportSourceExists,
    orders=("name",),
    makes_ids=False,
    is_data=False,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Up to where a source has been read."""

    mark: str | None
    """Largest value of the mark column, as `mark_text` gives it; None without such a column."""
    read_from: str
    """What the mark belongs to."""
    digest: str
    """SHA-256 of the rows that were read last."""
    revision: int
    """Revision of the source as it was read."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What has become of a source so far."""

    name: str
    """Name of the source."""
    next_run_at: datetime | None = None
    """When the schedule asks for the next run; None without a schedule."""
    last_run_at: datetime | None = None
    """When a run was last handed to a worker; None before the first."""
    last_job_id: str | None = None
    """Job of the last run."""
    is_running: bool = False
    """Whether that job waits or works."""
    reading: Reading | None = None
    """Up to where it has been loaded; None before the first load."""

    def start(self, fields: ImportSourceFields) -> Mark | None:
        """Give the value of the mark column that a run begins at; None means the beginning."""
        reading = self.reading
        if reading is None or reading.mark is None or reading.read_from != fields.read_from:
            return None
        return less_overlap(mark_of(reading.mark), fields.mark_overlap)

    def has_read(self, reading: Reading) -> bool:
        """Say whether the last job has read just these rows, of the source as it is now."""
        last = self.reading
        return last is not None and (last.digest, last.revision) == (reading.digest, reading.revision)
