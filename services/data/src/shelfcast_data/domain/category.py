"""Categories: a tree of groups of products, met by the products through paths of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.catalogue_entry import length_fault
from shelfcast_data.domain.declared_rule import Declared, declared_faults, reference
from shelfcast_data.domain.declared_schema import ValueType
from shelfcast_data.domain.entry import Kind
from shelfcast_data.errors import CategoryExists, CategoryNotFound

SEPARATOR: Final = "/"
LONGEST_NAME: Final = 100
LONGEST_PATH: Final = 300


def _name_faults(at: str, name: str) -> list[Violation]:
    faults = length_fault(at, name, LONGEST_NAME)
    if name != name.strip() or SEPARATOR in name:
        faults.append(Violation(at, "A name has no / and no blank at its ends.", "name.form"))
    return faults


_NAME: Final = Declared(
    type=ValueType.TEXT,
    check=_name_faults,
    rules=("string.max_len", "name.form"),
    longest=LONGEST_NAME,
    is_required=True,
)


@dataclass(frozen=True, slots=True)
class CategoryFields:
    """What a client says about a category, and the path that follows from it."""

    name: Annotated[str, _NAME] = ""
    """Name for people, the last part of the path."""
    parent_category_id: Annotated[str | None, reference()] = None
    """Category that it is a part of; None means that it is at the top."""
    path: str = ""
    """Names from the top down to it; made by the service."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return declared_faults(at, self)


CATEGORY: Final = Kind(
    "category",
    ("category_id",),
    CategoryFields,
    CategoryNotFound,
    CategoryExists,
    orders=("path", "category_id"),
    derived=frozenset({"path"}),
)


def path_below(parent_path: str | None, name: str) -> str:
    """Give the path of a category.

    >>> path_below("dairy", "milk")
    'dairy/milk'
    """
    return name if parent_path is None else f"{parent_path}{SEPARATOR}{name}"


def length_faults(at: str, longest: int) -> list[Violation]:
    """Give the fault of a path that would be longer than the store takes; `longest` in characters."""
    if longest <= LONGEST_PATH:
        return []
    detail = f"The longest path at or below it would have {longest} characters; {LONGEST_PATH} are taken."
    return [Violation(at, detail, "path.length")]
