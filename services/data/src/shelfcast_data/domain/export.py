"""Exports: lists as tables of named columns, and the forms in which they go out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from shelfcast_data.errors import ExportNotFound

Part: TypeAlias = Mapping[str, Iterable[object]]
"""Some rows of a table: the values of each column, None where there is none."""


class ExportForm(Enum):
    """What a file looks like."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


class Kind(Enum):
    """What the values of a column are."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "true or false"
    DAY = "date"
    INSTANT = "UTC date-time"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    """Its heading."""
    kind: Kind
    """What its values are."""


SALES: Final = "sales"
SALES_COLUMNS: Final = (
    Column("shop_id", Kind.TEXT),
    Column("product_id", Kind.TEXT),
    Column("date", Kind.DAY),
    Column("quantity", Kind.NUMBER),
    Column("unit_price", Kind.NUMBER),
    Column("is_promotion", Kind.FLAG),
    Column("was_available", Kind.FLAG),
)
"""The columns that an import of sales takes."""


def export_of(file: str, lists: Collection[str]) -> tuple[str, ExportForm]:
    """Give the list and the form that a file's name asks for. Raises: ExportNotFound.

    >>> export_of("sales.csv", ["sales"])
    ('sales', <ExportForm.CSV: 'csv'>)
    """
    name, _, ending = file.rpartition(".")
    forms = {form.value: form for form in ExportForm}
    if name not in lists or ending not in forms:
        raise ExportNotFound(file=file[:128], lists=", ".join(sorted(lists)), forms=", ".join(forms))
    return name, forms[ending]
