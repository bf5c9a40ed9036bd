"""Pipelines: steps that the columns of a file go through before its rows are checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, cast

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.calendar_step import AggregateBusinessDay, FillClosedDays
from shelfcast_data.domain.cast_step import CastDate, CastNumber
from shelfcast_data.domain.catalogue_entry import required_fault
from shelfcast_data.domain.conversion_step import ConvertCurrency, ConvertUnit, ExchangeRate, UnitPair
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.pipeline_step import DropColumns, FilterRows, KeepColumns, RenameColumn, Step
from shelfcast_data.errors import PipelineExists, PipelineNotFound

MOST_STEPS: Final = 50
MOST_BYTES: Final = 1 << 20
"""Largest text of the steps of one pipeline."""

STEPS: Final[Mapping[str, Callable[..., Step]]] = MappingProxyType(
    {
        "rename": RenameColumn,
        "cast_number": CastNumber,
        "cast_date": CastDate,
        "convert_unit": ConvertUnit,
        "convert_currency": ConvertCurrency,
        "aggregate_business_day": AggregateBusinessDay,
        "fill_closed_days": FillClosedDays,
        "filter_rows": FilterRows,
        "keep_columns": KeepColumns,
        "drop_columns": DropColumns,
    }
)
"""The kinds of steps, by the member of a step that names each."""

_WORDS: Final[Mapping[object, str]] = MappingProxyType({kind: word for word, kind in STEPS.items()})
_PARTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "units": lambda values: UnitPair(**values),
        "factor": lambda value: Decimal(str(value)),
        "rate": lambda value: Decimal(str(value)),
        "rates": lambda rates: tuple(ExchangeRate(**_read(each)) for each in rates),
    }
)
"""How members of steps are read that are no plain values."""


@dataclass(frozen=True, slots=True)
class PipelineFields:
    """What a client says about a pipeline, and the version that follows from it."""

    steps: tuple[Step, ...] = ()
    """The steps, in the order in which they are done."""
    version: int = 0
    """Number of the version; made by the service."""
    digest: str = ""
    """SHA-256 of the steps; made by the service."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        if not self.steps:
            return [required_fault(f"{at}/steps")]
        if len(self.steps) > MOST_STEPS:
            return [Violation(f"{at}/steps", f"At most {MOST_STEPS} steps are taken.", "repeated.max_items")]
        if len(steps_text(self.steps)) > MOST_BYTES:
            return [Violation(f"{at}/steps", f"At most {MOST_BYTES} bytes as JSON.", "steps.max_bytes")]
        return [
            fault
            for place, step in enumerate(self.steps)
            for fault in step.faults(f"{at}/steps/{place}/{step_word(step)}")
        ]

    def numbered(self, known: PipelineFields | None) -> PipelineFields:
        """Give these fields with their version: the next one if the steps are not those that are known."""
        digest = steps_digest(self.steps)
        if known is not None and known.digest == digest:
            return known
        return replace(self, version=1 if known is None else known.version + 1, digest=digest)


PIPELINE: Final = Kind(
    "pipeline",
    ("name",),
    PipelineFields,
    PipelineNotFound,
    PipelineExists,
    orders=("name",),
    derived=frozenset({"version", "digest"}),
    makes_ids=False,
    is_data=False,
)


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One version of a pipeline; it never changes."""

    name: str
    """Name of the pipeline."""
    version: int
    """Number of the version, from 1."""
    digest: str
    """SHA-256 of the steps, lower-case hex."""
    steps: tuple[Step, ...]
    """The steps."""
    created_at: datetime
    """When it was made."""


def step_word(step: Step) -> str:
    """Give the member that names the kind of a step."""
    return _WORDS[type(step)]


def step_values(step: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """Give what a step says, without what it leaves open; decimals as texts.

    >>> step_values(CastNumber("price", ","))
    {'column': 'price', 'decimal_sign': ','}
    """
    declared: Sequence[Field[Any]] = fields(step)
    told = {each.name: getattr(step, each.name) for each in declared}
    return {
        each.name: _plain(told[each.name])
        for each in declared
        if told[each.name] != each.default and told[each.name] not in (None, ())
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a step
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return step_values(value) if is_dataclass(value) else value


def step_of(word: str, values: Mapping[str, Any]) -> Step:
    """Give the step that a word and its values tell."""
    kind: Callable[..., Step] = STEPS[word]
    return kind(**_read(values))


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _part(name, value) for name, value in values.items()}


def _part(name: str, value: Any) -> Any:  # noqa: ANN401 - any value of a step
    read: Callable[..., Any] = _PARTS.get(name, _value)
    return read(value)


def _value(value: Any) -> Any:  # noqa: ANN401 - any value of a step
    return tuple(value) if isinstance(value, list) else value


def steps_text(steps: Sequence[Step]) -> str:
    """Give steps as they are kept: JSON, equal for equal steps."""
    values = [{step_word(step): step_values(step)} for step in steps]
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def steps_of(text: str) -> tuple[Step, ...]:
    """Give the steps that a text keeps.

    >>> steps_of(steps_text([RenameColumn("a", "b")]))
    (RenameColumn(column='a', to='b'),)
    """
    kept = cast("Sequence[Mapping[str, Mapping[str, Any]]]", json.loads(text))
    return tuple(step_of(word, values) for each in kept for word, values in each.items())


def steps_digest(steps: Sequence[Step]) -> str:
    """Give the SHA-256 of steps, lower-case hex."""
    return hashlib.sha256(steps_text(steps).encode()).hexdigest()
