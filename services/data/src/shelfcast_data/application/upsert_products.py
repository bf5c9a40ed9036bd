"""Create or change many products at once: good rows in one transaction, a report of the bad ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shelfcast_servicekit.errors import PayloadTooLarge, Violation

from shelfcast_data.application.catalogue_rule import Reference, live_ids, unknown
from shelfcast_data.application.product_rule import own_successor_faults, product_references
from shelfcast_data.domain.data_version import DataVersion
from shelfcast_data.domain.entry import Entry
from shelfcast_data.domain.event import entries_changed
from shelfcast_data.domain.identifier import created_id
from shelfcast_data.domain.product import PRODUCT, ProductFields
from shelfcast_data.domain.rejection import shown
from shelfcast_data.domain.upsert import ProductRow, RefusedRow, UpsertReport
from shelfcast_data.errors import IdMalformed, IdReserved
from shelfcast_data.ports.sales import Announcer
from shelfcast_data.ports.store import Store, Tx

MOST_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class UpsertProducts:
    """Stores the good rows of a bulk call; together they make one data version."""

    store: Store
    announcer: Announcer

    async def __call__(self, tenant: str, rows: Sequence[ProductRow], *, atomic: bool) -> UpsertReport:
        """Give what became of the rows.

        atomic: whether nothing is stored as soon as one row is bad.
        Raises: PayloadTooLarge over 10,000 rows.
        """
        if len(rows) > MOST_ROWS:
            raise PayloadTooLarge(limit=str(MOST_ROWS), size=str(len(rows)))

        def work(tx: Tx) -> tuple[UpsertReport, DataVersion | None]:
            tx.hold(tenant)
            judged = _judged(tx, tenant, rows)
            if atomic and any(each.faults for each in judged):
                return _report(judged, stored=[], repeated=[]), None
            stored = [each for each in judged if not each.faults and each.is_new]
            repeated = [each for each in judged if not each.faults and not each.is_new]
            _store(tx, tenant, stored)
            version = tx.touched(tenant, PRODUCT.name) if stored else None
            if version is not None:
                keys = [(each.row.product_id,) for each in stored]
                tx.tell(tenant, entries_changed(PRODUCT.name, keys), version)
            return _report(judged, stored, repeated), version

        report, version = await self.store.transact(work)
        if version is not None:
            await self.announcer.announce(tenant, version.name)
        return report


@dataclass(slots=True)
class _Judged:
    """A row on its way into the store."""

    number: int
    """Number of the row, from 1."""
    row: ProductRow
    """The row, its id in the form in which ids are stored."""
    known: Entry[ProductFields] | None = None
    """The product as stored; None for a new one."""
    fields: ProductFields = field(default_factory=ProductFields)
    """What would be stored."""
    faults: list[Violation] = field(default_factory=list)
    """What stands against it."""

    @property
    def at(self) -> str:
        """Pointer of the row."""
        return f"/products/{self.number - 1}"

    @property
    def is_new(self) -> bool:
        """Whether it says something that is not stored."""
        return self.known is None or not self.known.is_live or self.known.fields != self.fields

    @property
    def references(self) -> Sequence[Reference]:
        """Entries that it names and the stored product does not."""
        old = [] if self.known is None else list(product_references(self.known.fields))
        return [each for each in product_references(self.fields) if each not in old]


def _judged(tx: Tx, tenant: str, rows: Sequence[ProductRow]) -> Sequence[_Judged]:
    judged = list(_identified(rows))
    known = tx.entries(PRODUCT, tenant).known({each.row.product_id for each in judged if not each.faults})
    for each in judged:
        if not each.faults:
            _judge(each, known)
    _judge_references(tx, tenant, judged)
    return judged


def _identified(rows: Sequence[ProductRow]) -> Iterator[_Judged]:
    """Give each row with its id in the stored form, or with the fault of its id."""
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        judged = _Judged(number, row)
        try:
            product_id = created_id(row.product_id, f"{judged.at}/product_id")
        except (IdMalformed, IdReserved) as error:
            judged.faults += error.violations
        else:
            judged.row = replace(row, product_id=product_id)
            if product_id in seen:
                detail = "An earlier row has the same product; only that one is looked at."
                judged.faults.append(Violation(f"{judged.at}/product_id", detail, "row.duplicate"))
            seen.add(product_id)
        yield judged


def _judge(each: _Judged, known: Mapping[str, Entry[ProductFields]]) -> None:
    row = each.row
    each.known = known.get(row.product_id)
    base = ProductFields() if each.known is None else each.known.fields
    names = row.populated.intersection(PRODUCT.changeable)
    each.fields = replace(base, **{name: getattr(row.fields, name) for name in names})
    each.faults += _etag_faults(each)
    each.faults += each.fields.faults(each.at)
    each.faults += own_successor_faults(each.at, row.product_id, each.fields)


def _etag_faults(each: _Judged) -> list[Violation]:
    etag, known = each.row.etag, each.known
    if known is None and not etag:
        return []
    if known is not None and known.stamp.is_named_by(etag):
        return []
    return [Violation(f"{each.at}/etag", "The stored version is not the one that is named.", "etag")]


def _judge_references(tx: Tx, tenant: str, judged: Sequence[_Judged]) -> None:
    """Refuse rows that name what is neither stored nor taken with them.

    A row that is refused takes along those that name it, so this goes on until no more are refused.
    """
    live = live_ids(tx, tenant, [ref for each in judged if not each.faults for ref in each.references])
    sound = [each for each in judged if not each.faults]
    while sound:
        here = live | {(PRODUCT.name, each.row.product_id) for each in sound}
        for each in sound:
            lost = [ref for ref in each.references if (ref.kind.name, ref.entry_id) not in here]
            each.faults += [unknown(each.at, ref) for ref in lost]
        left = [each for each in sound if not each.faults]
        if len(left) == len(sound):
            return
        sound = left


def _store(tx: Tx, tenant: str, stored: Sequence[_Judged]) -> None:
    entries = tx.entries(PRODUCT, tenant)
    entries.add_all({(each.row.product_id,): each.fields for each in stored if each.known is None})
    entries.change_all([(each.known, each.fields) for each in stored if each.known is not None])


def _report(
    judged: Sequence[_Judged], stored: Sequence[_Judged], repeated: Sequence[_Judged]
) -> UpsertReport:
    refused = [
        RefusedRow(each.number, fault, _value(each, fault)) for each in judged for fault in each.faults
    ]
    return UpsertReport(len(stored), len(repeated), refused)


def _value(each: _Judged, fault: Violation) -> str:
    name = fault.pointer.removeprefix(f"{each.at}/")
    holder = each.row if name in {"product_id", "etag"} else each.row.fields
    value = getattr(holder, name)
    return "" if value is None else shown(str(value))
