"""Which column of a file holds which field of a sale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from shelfcast_data.domain.sales_field import FIELDS, REQUIRED, SALES
from shelfcast_data.errors import ColumnMissing, FileUnreadable, MappingInvalid

ALIASES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {each.name: each.aliases for each in SALES.fields}
)
"""Names by which a column is found, the surest first."""

MOST_COLUMNS: Final = 1000


def find_columns(
    header: Sequence[str], mapping: Mapping[str, str], *, has_shop: bool = False
) -> Mapping[str, int]:
    """Give the index of the column for each field that the file has.

    mapping: field to column, or column to field, as sent by the client; wins over names.
    has_shop: whether the shop is given for the whole file, so that its column may be absent.
    Raises: MappingInvalid, ColumnMissing, FileUnreadable (too many columns, or one claimed twice).

    >>> dict(find_columns(["ds", "store", "item", "y"], {}))
    {'date': 0, 'shop_id': 1, 'product_id': 2, 'quantity': 3}
    """
    if len(header) > MOST_COLUMNS:
        raise FileUnreadable(problem=f"it has {len(header)} columns, more than {MOST_COLUMNS}")
    chosen = _explicit(header, mapping)
    for field in FIELDS:
        if field not in chosen:
            _add_by_name(chosen, field, header)
    missing = [field for field in REQUIRED if field not in chosen and not (field == "shop_id" and has_shop)]
    if missing:
        raise ColumnMissing(columns=", ".join(missing), found=", ".join(header)[:300])
    return {field: chosen[field] for field in FIELDS if field in chosen}


def by_field(mapping: Mapping[str, str]) -> Mapping[str, str]:
    """Give a mapping as field to column, whichever way round each pair was sent.

    >>> by_field({"units_sold": "quantity", "date": "when"})
    {'quantity': 'units_sold', 'date': 'when'}
    """
    return dict(pair if pair[0] in ALIASES else pair[::-1] for pair in mapping.items())


def _explicit(header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    chosen: dict[str, int] = {}
    for key, value in mapping.items():
        field, column = (key, value) if key in ALIASES else (value, key)
        if field not in ALIASES:
            raise MappingInvalid(problem=f"neither {key[:64]!r} nor {value[:64]!r} is a field")
        if header.count(column) != 1:
            problem = f"the file has {header.count(column)} columns named {column[:64]!r}"
            raise MappingInvalid(problem=problem)
        chosen[field] = header.index(column)
    return chosen


def _add_by_name(chosen: dict[str, int], field: str, header: Sequence[str]) -> None:
    names = [_plain(name) for name in header]
    for alias in ALIASES[field]:
        places = [place for place, name in enumerate(names) if name == alias and place not in chosen.values()]
        if len(places) > 1:
            raise FileUnreadable(problem=f"the column {alias!r} stands {len(places)} times in the header")
        if places:
            chosen[field] = places[0]
            return


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
