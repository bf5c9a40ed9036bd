"""Saved mappings: how the files of one source are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shelfcast_servicekit.errors import Violation
from shelfcast_servicekit.identifier import id_fault

from shelfcast_data.domain.catalogue_entry import length_fault
from shelfcast_data.domain.column_mapping import ALIASES, MOST_COLUMNS
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportMappingExists, ImportMappingNotFound

LONGEST_COLUMN: Final = 300


@dataclass(frozen=True, slots=True)
class ImportMappingFields:
    """What a client says about a mapping."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    """Column for each field, or field for each column."""
    shop_id: str | None = None
    """Shop of all rows; None means that files have a shop column."""
    same_day: SameDay = SameDay.REFUSE
    """What becomes of several rows for one day."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return [*mapping_faults(f"{at}/mapping", self.mapping), *shop_faults(f"{at}/shop_id", self.shop_id)]


def mapping_faults(at: str, mapping: Mapping[str, str]) -> list[Violation]:
    """Give all faults of a mapping; pointers begin with `at`."""
    faults: list[Violation] = []
    if len(mapping) > MOST_COLUMNS:
        faults.append(Violation(at, f"At most {MOST_COLUMNS} pairs.", "map.max_pairs"))
    for key, value in mapping.items():
        pointer = f"{at}/{key[:64].replace('~', '~0').replace('/', '~1')}"
        if key not in ALIASES and value not in ALIASES:
            detail = f"Neither is a field of a sale; fields are {', '.join(ALIASES)}."
            faults.append(Violation(pointer, detail, "mapping.field"))
        for name in (key, value):
            faults += length_fault(pointer, name, LONGEST_COLUMN)
    return faults


def shop_faults(at: str, shop_id: str | None) -> list[Violation]:
    """Give the fault of the shop of all rows."""
    fault = None if shop_id is None else id_fault(shop_id)
    return [] if fault is None else [Violation(at, fault, "id.form")]


IMPORT_MAPPING: Final = Kind(
    "import_mapping",
    ("name",),
    ImportMappingFields,
    ImportMappingNotFound,
    ImportMappingExists,
    orders=("name",),
    makes_ids=False,
    is_data=False,
)
