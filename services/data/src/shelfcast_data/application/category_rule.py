"""What the stored tree has to say about a category."""

from __future__ import annotations

from dataclasses import replace

from shelfcast_data.application.catalogue_rule import Proposal, Reference, Rules, check_references
from shelfcast_data.domain.catalogue_entry import raise_if_any
from shelfcast_data.domain.category import CATEGORY, CategoryFields, length_faults, path_below
from shelfcast_data.domain.entry import Entry
from shelfcast_data.domain.listing import Filters, Listing, Order
from shelfcast_data.errors import CategoryCycle, CategoryInUse, CategoryPathTaken
from shelfcast_data.ports.store import Tx


def admit_category(proposal: Proposal[CategoryFields]) -> CategoryFields:
    """Give the fields of a category with its path, and move what is below it along.

    Raises: FieldRuleViolated, CategoryCycle, CategoryPathTaken.
    """
    check_references(replace(proposal, known=None), "/category", _references)
    fields = replace(proposal.fields, path=path_below(_parent_path(proposal), proposal.fields.name))
    _check_length(proposal, fields.path)
    _check_free(proposal, fields.path)
    old = _live_path(proposal)
    if old not in {None, fields.path}:
        proposal.tx.category_paths(proposal.tenant).move(str(old), fields.path)
    return fields


def keep_parts(tx: Tx, tenant: str, category: Entry[CategoryFields]) -> None:
    """Raise CategoryInUse while a category has parts."""
    filters = Filters(equal={"parent_category_id": category.entry_id})
    parts = tx.entries(CATEGORY, tenant).page(Listing(1, Order(CATEGORY.id_name), filters))
    if parts:
        raise CategoryInUse(category_id=category.entry_id, part_id=parts[0].entry_id)


CATEGORY_RULES: Rules[CategoryFields] = Rules(admit_category, keep_parts)


def _references(fields: CategoryFields) -> list[Reference]:
    parent = fields.parent_category_id
    return [] if parent is None else [Reference("/parent_category_id", CATEGORY, parent)]


def _live_path(proposal: Proposal[CategoryFields]) -> str | None:
    """Give the path that the category has so far; None if it is new or comes back."""
    known = proposal.known
    return known.fields.path if known is not None and known.is_live else None


def _parent_path(proposal: Proposal[CategoryFields]) -> str | None:
    """Give the path of the parent. Raises: CategoryCycle where the way up leads back to it."""
    parent_id, path = proposal.fields.parent_category_id, None
    above = parent_id
    while above is not None:
        if above == proposal.key[-1]:
            raise CategoryCycle(category_id=above, parent_category_id=str(parent_id))
        fields = proposal.tx.entries(CATEGORY, proposal.tenant).get((above,)).fields
        path = path or fields.path
        above = fields.parent_category_id
    return path


def _check_length(proposal: Proposal[CategoryFields], path: str) -> None:
    longest, old = len(path), _live_path(proposal)
    if old is not None:
        longest += proposal.tx.category_paths(proposal.tenant).longest_below(old) - len(old)
    raise_if_any(length_faults("/category/name", longest))


def _check_free(proposal: Proposal[CategoryFields], path: str) -> None:
    filters = Filters(equal={"path": path})
    holders = proposal.tx.entries(CATEGORY, proposal.tenant).page(
        Listing(2, Order(CATEGORY.id_name), filters)
    )
    for each in holders:
        if each.key != proposal.key:
            raise CategoryPathTaken(category_id=each.entry_id, path=path)
