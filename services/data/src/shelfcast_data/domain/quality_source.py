"""Sources: who or what has told the sales of a day, and how good the days of each source are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfcast_data.domain.quality import Severity, SourceScore
from shelfcast_data.domain.sales_columns import Numbers
from shelfcast_data.domain.series_days import Anomaly

SINGLE_ENTRIES: Final = "entries"
"""Source of all sales that no import has brought."""
_SEVERITIES: Final = (Severity.INFO, Severity.WARNING, Severity.ERROR)


def source_of(mapping_name: str, submitted_by: str) -> str:
    """Give the source of an import: the saved mapping that it named, else who handed it in.

    >>> source_of("till-berlin", "api-key:Ab3dE6gH"), source_of("", "api-key:Ab3dE6gH")
    ('mapping:till-berlin', 'principal:api-key:Ab3dE6gH')
    """
    return f"mapping:{mapping_name}" if mapping_name else f"principal:{submitted_by}"


@dataclass(frozen=True, slots=True)
class SourceBook:
    """Which source has told the rows of which load."""

    source_ids: Sequence[str]
    """All sources; the first one is `SINGLE_ENTRIES`."""
    loads: Numbers
    """int64[m], numbers of the loads of imports, increasing."""
    places: Numbers
    """int64[m], place of each load's source in `source_ids`."""

    def places_of(self, loads: Numbers) -> Numbers:
        """Give int64[n], the place of the source of each load."""
        if not len(self.loads):
            return np.zeros(len(loads), np.int64)
        at = np.minimum(np.searchsorted(self.loads, loads), len(self.loads) - 1)
        return np.where(self.loads[at] == loads, self.places[at], 0)


def source_book(of_loads: Mapping[int, str]) -> SourceBook:
    """Give the book of the loads of imports, with the source of each.

    >>> source_book({7: "mapping:a", 4: "mapping:b"}).places_of(np.array([4, 5, 7])).tolist()
    [2, 0, 1]
    """
    named = [SINGLE_ENTRIES, *sorted(set(of_loads.values()) - {SINGLE_ENTRIES})]
    rank = {source_id: place for place, source_id in enumerate(named)}
    loads = sorted(of_loads)
    places = [rank[of_loads[load]] for load in loads]
    return SourceBook(named, np.array(loads, np.int64), np.array(places, np.int64))


@dataclass(slots=True)
class SourceTally:
    """Adds up the series of all shops by source."""

    book: SourceBook
    day_count: Numbers = field(init=False)
    faulty_count: Numbers = field(init=False)
    finding_count: NDArray[np.int64] = field(init=False)
    """int64[n_sources, 3], findings by severity."""

    def __post_init__(self) -> None:
        """Begin with nothing."""
        size = len(self.book.source_ids)
        self.day_count, self.faulty_count = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.finding_count = np.zeros((size, len(_SEVERITIES)), np.int64)

    def add(self, day: Numbers, load: Numbers, found: Iterable[Anomaly]) -> None:
        """Count the rows of one series. day, load: int64[n], of each row; found: what was found in them.

        A day without a row has no source; what misses counts for its shop only.
        """
        size, place = len(self.book.source_ids), self.book.places_of(load)
        is_faulty = np.zeros(len(day), dtype=bool)
        for each in found:
            concerned = np.isin(day, each.days)
            rank = _SEVERITIES.index(each.severity)
            self.finding_count[np.unique(place[concerned]), rank] += 1
            if each.severity is not Severity.INFO:
                is_faulty |= concerned
        self.day_count += np.bincount(place, minlength=size)
        self.faulty_count += np.bincount(place[is_faulty], minlength=size)

    def scores(self) -> Sequence[SourceScore]:
        """Give the scores of the sources that have told a day, by id."""
        told = [
            SourceScore(
                source_id,
                int(self.day_count[place]),
                int(self.faulty_count[place]),
                *map(int, self.finding_count[place]),
            )
            for place, source_id in enumerate(self.book.source_ids)
            if self.day_count[place]
        ]
        return sorted(told, key=lambda each: each.source_id)
