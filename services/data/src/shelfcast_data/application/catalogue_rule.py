"""What stored entries have to say about a change of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

from shelfcast_data.domain.entry import Entry, F, Key, Kind
from shelfcast_data.ports.store import Tx


@dataclass(frozen=True, slots=True)
class Proposal(Generic[F]):
    """New fields of an entry, about to be stored."""

    tx: Tx
    """Transaction that will store them."""
    tenant: str
    """Tenant whose entry it is."""
    key: Key
    """Ids of the entry."""
    fields: F
    """The new fields; they have no fault of their own."""
    known: Entry[F] | None
    """The entry as stored; None for a new one."""


def as_proposed(proposal: Proposal[F]) -> F:
    """Admit whatever is proposed."""
    return proposal.fields


def freely(tx: Tx, tenant: str, entry: Entry[F]) -> None:
    """Let every entry go."""


@dataclass(frozen=True, slots=True)
class Rules(Generic[F]):
    """What must hold before an entry of a kind is stored or goes."""

    admit: Callable[[Proposal[F]], F] = as_proposed
    """Gives the fields to be stored, or raises."""
    release: Callable[[Tx, str, Entry[F]], None] = freely
    """Raises where an entry must not be deleted softly."""
    free: Callable[[Tx, str, Entry[F]], None] = freely
    """Raises where an entry must not be removed for good."""


class Reference(NamedTuple):
    """A field that names another entry."""

    pointer: str
    """Where it stands below the entry, for instance `/supplier_id`."""
    kind: Kind[Any]
    """Kind of the entry that it names."""
    entry_id: str
    """Id that it names."""


def check_references(proposal: Proposal[F], at: str, references: Callable[[F], Iterable[Reference]]) -> None:
    """Raise FieldRuleViolated for each new reference to an entry that is not there or deleted."""
    old = [] if proposal.known is None else references(proposal.known.fields)
    kept = {(each.kind.name, each.entry_id) for each in old}
    new = [each for each in references(proposal.fields) if (each.kind.name, each.entry_id) not in kept]
    faults = reference_faults(proposal.tx, proposal.tenant, at, new)
    if faults:
        raise FieldRuleViolated(violations=faults)


def reference_faults(tx: Tx, tenant: str, at: str, references: Sequence[Reference]) -> list[Violation]:
    """Give a fault for each reference to an entry that is not there or deleted."""
    live = live_ids(tx, tenant, references)
    return [unknown(at, each) for each in references if (each.kind.name, each.entry_id) not in live]


def unknown(at: str, reference: Reference) -> Violation:
    """Give the fault of a reference to an entry that is not there."""
    kind, name = reference.kind.name, reference.kind.name.replace("_", " ")
    return Violation(f"{at}{reference.pointer}", f"There is no such {name}.", f"{kind}_id.known")


def live_ids(tx: Tx, tenant: str, references: Sequence[Reference]) -> set[tuple[str, str]]:
    """Give kind and id of each entry that is named, there and not deleted."""
    live = set()
    for kind in {each.kind.name: each.kind for each in references}.values():
        ids = {each.entry_id for each in references if each.kind.name == kind.name}
        known = tx.entries(kind, tenant).known(ids)
        live |= {(kind.name, each) for each, entry in known.items() if entry.is_live}
    return live
