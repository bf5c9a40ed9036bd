"""Record, correct and withdraw single sales; those that come at once are stored at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from shelfcast_servicekit.deadline import remaining_seconds
from shelfcast_servicekit.errors import (
    DeadlineExceeded,
    FieldRuleViolated,
    ShelfcastError,
    UpstreamUnavailable,
    Violation,
)
from shelfcast_servicekit.micro_batch import BatchQueueFull, MicroBatcher

from shelfcast_data.domain.data_version import DataVersion
from shelfcast_data.domain.event import sale_changed
from shelfcast_data.domain.identifier import created_id
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey, withdrawn
from shelfcast_data.errors import SaleNotFound
from shelfcast_data.ports.sales import Announcer
from shelfcast_data.ports.store import Store, Tx

TENANTS_AT_ONCE: Final = 4
MOST_WAITING: Final = 1_024
MOST_AT_ONCE: Final = 100
GATHER_SECONDS: Final = 0.015
"""Pause between two transactions while sales come faster than they can be stored one by one."""


@dataclass(frozen=True, slots=True)
class SaleChange:
    """What is to become of the sale of a day."""

    place: SaleKey | str
    """Shop, product and date, or the id of a sale that is there."""
    facts_of: Callable[[Sale | None], SaleFacts | None]
    """Gives what the day says from now on; None changes nothing. It may raise a declared error."""


@dataclass(frozen=True, slots=True)
class SalesBook:
    """The sales of each tenant, row by row.

    Changes that arrive while others of their tenant are stored share the next transaction and data
    version; each is answered after its commit.
    """

    store: Store
    announcer: Announcer
    _changes: MicroBatcher[str, SaleChange, Sale | ShelfcastError] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nobody waiting."""
        changes = MicroBatcher(
            self._make_all,
            most_waiting=MOST_WAITING,
            most_in_batch=MOST_AT_ONCE,
            batches_at_once=TENANTS_AT_ONCE,
            gather_seconds=GATHER_SECONDS,
        )
        object.__setattr__(self, "_changes", changes)

    async def record(self, tenant: str, key: SaleKey, facts: SaleFacts) -> Sale:
        """Record a sale, or correct the one that the day has; the same again changes nothing.

        Raises: FieldRuleViolated, IdMalformed, IdReserved, SalesArchived.
        """
        shop_id = created_id(key.shop_id, "/sale/shop_id")
        product_id = created_id(key.product_id, "/sale/product_id")
        facts = facts.checked()
        place = SaleKey(shop_id, product_id, key.sale_date)
        return await self._make(tenant, SaleChange(place, lambda known: _unless_same(known, facts)))

    async def correct(self, tenant: str, sale_id: str, key: SaleKey, facts: SaleFacts) -> Sale:
        """Correct a sale.

        Raises: SaleNotFound; SalesArchived; FieldRuleViolated, also for another shop, product or date.
        """
        facts = facts.checked()

        def facts_of(known: Sale | None) -> SaleFacts | None:
            _check_same(_there(known, sale_id).key, key)
            return _unless_same(known, facts)

        return await self._make(tenant, SaleChange(sale_id, facts_of))

    async def withdraw(self, tenant: str, sale_id: str) -> None:
        """Withdraw a sale: from now on the day has none. Raises: SaleNotFound, SalesArchived."""
        change = SaleChange(sale_id, lambda known: withdrawn(_there(known, sale_id).facts))
        await self._make(tenant, change)

    async def _make(self, tenant: str, change: SaleChange) -> Sale:
        try:
            made = await self._changes.run(tenant, change, remaining_seconds())
        except TimeoutError as error:
            raise DeadlineExceeded from error
        except BatchQueueFull as error:
            raise UpstreamUnavailable(retry_after_seconds=1.0, service="database") from error
        if isinstance(made, ShelfcastError):
            raise made
        return made

    async def _make_all(self, tenant: str, changes: Sequence[SaleChange]) -> Sequence[Sale | ShelfcastError]:
        made: dict[int, Sale | ShelfcastError] = {}
        for group in _one_a_day(changes):
            try:
                found, version = await self.store.transact(partial(_write, tenant=tenant, changes=group))
            except ShelfcastError as error:  # those of the groups before are stored
                found, version = dict.fromkeys(group, error), None
            made |= found
            if version is not None:
                await self.announcer.announce(tenant, version.name)
        return [made[place] for place in range(len(changes))]


def _one_a_day(changes: Sequence[SaleChange]) -> Iterator[Mapping[int, SaleChange]]:
    """Give the changes by position in groups with one change a day: each of a day makes its own version."""
    waiting = dict(enumerate(changes))
    while waiting:
        places: dict[SaleKey | str, int] = {}
        for position, change in waiting.items():
            if isinstance(change.place, str) and places:
                break  # an id may name the day of another change
            places.setdefault(change.place, position)
            if isinstance(change.place, str):
                break
        yield {position: waiting.pop(position) for position in places.values()}


def _write(
    tx: Tx, tenant: str, changes: Mapping[int, SaleChange]
) -> tuple[Mapping[int, Sale | ShelfcastError], DataVersion | None]:
    load = tx.versions(tenant).open_version()
    sales = tx.sales(tenant)
    keys = {position: _key(sales.key_of, change.place) for position, change in changes.items()}
    known = sales.newest([key for key in keys.values() if key is not None], load.shown)
    made: dict[int, Sale | ShelfcastError] = {}
    facts: dict[int, SaleFacts] = {}
    for position, change in changes.items():
        key = keys[position]
        sale = None if key is None else known.get(key)
        try:
            if key is not None:
                load.shown.check_kept(key.sale_date)
            new = change.facts_of(sale)
        except ShelfcastError as error:
            made[position] = error
            continue
        if new is not None:
            facts[position] = new
        elif sale is not None:
            made[position] = sale
    if not facts:
        return made, None
    rows = [(key, facts[position]) for position in facts if (key := keys[position]) is not None]
    made |= zip(facts, sales.record(rows, load), strict=True)
    tx.imports(tenant).complete_pairs({(key.shop_id, key.product_id) for key, _ in rows})
    version = tx.versions(tenant).publish_opened(load, "sale", len(rows))
    tx.tell_all(tenant, [sale_changed(key) for key, _ in rows], version)
    return made, version


def _key(key_of: Callable[[str], SaleKey | None], place: SaleKey | str) -> SaleKey | None:
    return key_of(place) if isinstance(place, str) else place


def _there(known: Sale | None, sale_id: str) -> Sale:
    if known is None:
        raise SaleNotFound(sale_id=sale_id)
    return known


def _unless_same(known: Sale | None, facts: SaleFacts) -> SaleFacts | None:
    return None if known is not None and known.facts == facts else facts


def _check_same(known: SaleKey, sent: SaleKey) -> None:
    """Raise FieldRuleViolated unless the sent shop, product and date are empty or those of the sale."""
    faults = [
        Violation(f"/sale/{name}", f"{name} is that of the stored sale and cannot be changed.", "immutable")
        for name, old, new in (
            ("shop_id", known.shop_id, sent.shop_id),
            ("product_id", known.product_id, sent.product_id),
            ("date", known.sale_date, sent.sale_date),
        )
        if new and new != old
    ]
    if faults:
        raise FieldRuleViolated(violations=faults)
