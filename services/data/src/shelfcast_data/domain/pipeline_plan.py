"""A pipeline as one import uses it: its version, its steps, and what the catalogue said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shelfcast_data.domain.calendar_step import AggregateBusinessDay
from shelfcast_data.domain.pipeline import step_word
from shelfcast_data.domain.pipeline_facts import Facts, Need
from shelfcast_data.domain.pipeline_step import Step, StepUnfit
from shelfcast_data.domain.sales_columns import Flags, Numbers
from shelfcast_data.domain.text_sheet import Sheet, TextColumn, shown_row
from shelfcast_data.errors import PipelineUnfit

PREVIEW_ROWS: Final = 20
"""Rows that a dry run shows before and after."""
MOST_SHOWN: Final = 50
"""Columns of a row that a preview shows."""


@dataclass(frozen=True, slots=True)
class PipelineReference:
    """Names a version of a pipeline, and the facts of the catalogue that it was used with."""

    name: str
    """Name of the pipeline."""
    version: int
    """Number of the version."""
    digest: str
    """SHA-256 of its steps."""
    facts_digest: str
    """SHA-256 of the facts."""


@dataclass(frozen=True, slots=True)
class PipelineChoice:
    """Names a version of a pipeline that is to prepare a file."""

    name: str
    """Name of the pipeline."""
    version: int
    """Number of the version."""


class Outcome(StrEnum):
    """What becomes of a row in a pipeline."""

    KEPT = "kept"
    FILTERED = "filtered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row before and after."""

    row: int
    """Number of the row in the file."""
    outcome: Outcome
    """What becomes of it."""
    sent: Mapping[str, str]
    """Cells as they were sent, by column."""
    prepared: Mapping[str, str]
    """Cells after the last step, by column; empty unless it is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to the rows of one import."""

    pipeline: PipelineReference
    """Version that it is."""
    steps: tuple[Step, ...]
    """The steps."""
    facts: Facts
    """What the catalogue said when the import was handed in."""

    @property
    def is_summed(self) -> bool:
        """Whether the rows of a day are to be added up."""
        return is_summed(self.steps)

    def header(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give the columns after the last step. Raises: PipelineUnfit.

        names: columns of the file; one that stands there twice cannot be told apart and is left out.
        """
        columns: Sequence[str] = usable(names)
        for place, step in enumerate(self.steps, 1):
            try:
                columns = step.columns_after(columns)
            except StepUnfit as fault:
                raise PipelineUnfit(
                    name=self.pipeline.name,
                    step=str(place),
                    kind=step_word(step),
                    problem=str(fault),
                    found=", ".join(columns)[:300],
                ) from fault
        return tuple(columns)

    def prepared(self, columns: Mapping[str, Callable[[], TextColumn]], is_blank: Flags) -> Sheet:
        """Take rows through all steps."""
        sheet = Sheet(dict(columns), is_blank)
        for step in self.steps:
            step.apply(sheet, self.facts)
        return sheet


def usable(names: Sequence[str]) -> list[str]:
    """Give the names that stand once in a header.

    >>> usable(["a", "b", "a", ""])
    ['b']
    """
    return [name for name in names if name and list(names).count(name) == 1]


def is_summed(steps: Sequence[Step]) -> bool:
    """Say whether some steps ask that the rows of a day are added up."""
    return any(isinstance(step, AggregateBusinessDay) for step in steps)


def needs_of(steps: Sequence[Step]) -> frozenset[Need]:
    """Give what of the catalogue some steps ask for."""
    return frozenset(need for step in steps for need in step.needs())


def preview(
    columns: Mapping[str, Callable[[], TextColumn]], sheet: Sheet, numbers: Numbers, is_blank: Flags
) -> tuple[PreviewRow, ...]:
    """Give the first rows of a file before and after.

    columns: as they were sent. numbers: of the rows in the file.
    """
    places = [place for place in range(min(len(is_blank), 10 * PREVIEW_ROWS)) if not is_blank[place]]
    sent = {name: columns[name]() for name in list(columns)[:MOST_SHOWN]}
    prepared = {name: sheet.column(name) for name in list(sheet.columns)[:MOST_SHOWN]}
    return tuple(
        PreviewRow(
            int(numbers[place]),
            _outcome(sheet, place),
            shown_row(sent, place),
            {} if sheet.is_out[place] else shown_row(prepared, place),
        )
        for place in places[:PREVIEW_ROWS]
    )


def _outcome(sheet: Sheet, place: int) -> Outcome:
    if not sheet.is_out[place]:
        return Outcome.KEPT
    return Outcome.FILTERED if sheet.is_filtered[place] else Outcome.REFUSED
