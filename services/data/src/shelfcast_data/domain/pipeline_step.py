"""The steps of a pipeline: what each says, what may be wrong with it, and what it does to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.catalogue_entry import length_fault, required_fault
from shelfcast_data.domain.field_rule import repeat_faults
from shelfcast_data.domain.pipeline_facts import Facts, Need
from shelfcast_data.domain.text_sheet import Sheet

LONGEST_COLUMN: Final = 300
MOST_VALUES: Final = 1000


class Step(Protocol):
    """One step: a frozen dataclass whose fields are those of its message."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file; pointers begin with `at`."""

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step. Raises: StepUnfit where it cannot be done on these columns."""

    def needs(self) -> frozenset[Need]:
        """Give what of the catalogue it asks for."""

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Change the rows of a sheet."""


class StepUnfit(Exception):
    """A step cannot be done on the columns of a file; the text says why."""


class CatalogueFree:
    """A step that asks nothing of the catalogue."""

    __slots__ = ()

    def needs(self) -> frozenset[Need]:
        """Give nothing."""
        return frozenset()


def check_there(names: Sequence[str], *wanted: str) -> None:
    """Raise StepUnfit unless all wanted columns are there; empty names are none."""
    missing = [name for name in wanted if name and name not in names]
    if missing:
        raise StepUnfit(f"there is no column {', '.join(repr(name[:64]) for name in missing)}")


def with_column(names: Sequence[str], name: str) -> Sequence[str]:
    """Give the columns with one more, unless it is there already."""
    return names if name in names else [*names, name]


def column_faults(at: str, name: str, *, is_required: bool = True) -> list[Violation]:
    """Give the faults of the name of a column."""
    if not name:
        return [required_fault(at)] if is_required else []
    return length_fault(at, name, LONGEST_COLUMN)


def list_faults(at: str, names: Sequence[str]) -> list[Violation]:
    """Give the faults of a list of columns or texts, of which there must be one at least."""
    if not names:
        return [required_fault(at)]
    if len(names) > MOST_VALUES:
        return [Violation(at, f"At most {MOST_VALUES} are taken.", "repeated.max_items")]
    faults = repeat_faults(at, names)
    for place, name in enumerate(names):
        faults += length_fault(f"{at}/{place}", name, LONGEST_COLUMN)
    return faults


@dataclass(frozen=True, slots=True)
class RenameColumn(CatalogueFree):
    """Gives a column another name."""

    column: str = ""
    """Column as it is called."""
    to: str = ""
    """New name."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        return column_faults(f"{at}/column", self.column) + column_faults(f"{at}/to", self.to)

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self.column)
        if self.to != self.column and self.to in names:
            raise StepUnfit(f"there is a column {self.to[:64]!r} already")
        return [self.to if name == self.column else name for name in names]

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Rename it."""
        del facts
        sheet.rename(self.column, self.to)


@dataclass(frozen=True, slots=True)
class KeepColumns(CatalogueFree):
    """Keeps some columns and drops all others."""

    columns: tuple[str, ...] = ()
    """The columns that stay."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        return list_faults(f"{at}/columns", self.columns)

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, *self.columns)
        return self.columns

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Drop the others."""
        del facts
        sheet.keep(self.columns)


@dataclass(frozen=True, slots=True)
class DropColumns(CatalogueFree):
    """Drops some columns."""

    columns: tuple[str, ...] = ()
    """The columns that go."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        return list_faults(f"{at}/columns", self.columns)

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, *self.columns)
        return [name for name in names if name not in self.columns]

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Drop them."""
        del facts
        sheet.keep([name for name in sheet.columns if name not in self.columns])


@dataclass(frozen=True, slots=True)
class FilterRows(CatalogueFree):
    """Leaves rows out by the text of a column."""

    column: str = ""
    """Column that is looked at; blanks at the ends of its texts do not matter."""
    keep_values: tuple[str, ...] = ()
    """Only rows with one of these texts are kept."""
    drop_values: tuple[str, ...] = ()
    """Rows with one of these texts are left out."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        faults = column_faults(f"{at}/column", self.column)
        if bool(self.keep_values) is bool(self.drop_values):
            detail = "Either keep_values or drop_values is given."
            return [*faults, Violation(f"{at}/keep_values", detail, "filter.either")]
        name = "keep_values" if self.keep_values else "drop_values"
        return faults + list_faults(f"{at}/{name}", getattr(self, name))

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self.column)
        return names

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Leave the rows out."""
        del facts
        values = frozenset(self.keep_values or self.drop_values)
        is_kept = bool(self.keep_values)
        sheet.leave_out(sheet.where([self.column], lambda text: (text.strip() in values) is not is_kept))
