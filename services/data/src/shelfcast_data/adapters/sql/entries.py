"""Entries of the catalogue in SQL, of whatever kind."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic

from shelfcast_servicekit.errors import EtagMismatch
from shelfcast_servicekit.sql_clock import UtcDateTime, utc_now
from sqlalchemy import Date, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from shelfcast_data.adapters.sql.catalogue_schema import TABLES
from shelfcast_data.adapters.sql.statement import at_or_below, holds
from shelfcast_data.domain.catalogue_entry import Stamp
from shelfcast_data.domain.entry import Entry, F, Key, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

    from shelfcast_data.domain.listing import Filters, Listing

_STAMP = tuple(Stamp.__dataclass_fields__)
_AT_ONCE = 500


class EntryRows(Generic[F]):
    """The entries of one kind and tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str, kind: Kind[F]) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._kind = kind
        self._table = TABLES[kind.name]
        self._id = self._table.c[kind.id_name]

    def get(self, key: Key) -> Entry[F]:
        """Give an entry, deleted or not. Raises: the kind's `not_found`."""
        return self._found(key, self._query(key))

    def shared(self, key: Key) -> Entry[F]:
        """Give an entry as `get` does; nobody changes or removes it before the commit."""
        return self._found(key, self._query(key).with_for_update(read=True))

    def locked(self, key: Key) -> Entry[F]:
        """Give an entry as `get` does, once nobody else holds it; others wait for the commit."""
        return self._found(key, self._query(key).with_for_update())

    def _query(self, key: Key) -> Select[tuple[Any, ...]]:
        return select(self._table).where(*self._mine(key))

    def _found(self, key: Key, query: Select[tuple[Any, ...]]) -> Entry[F]:
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise self._kind.missing(key)
        return self._entry(row)

    def add(self, key: Key, fields: F) -> Entry[F]:
        """Store a new entry. Raises: the kind's `exists`."""
        stamp = {"created_at": utc_now(), "updated_at": utc_now(), "revision": 1}
        try:
            self._connection.execute(
                insert(self._table).values(**self._ids(key), **self._values(fields), **stamp)
            )
        except IntegrityError as error:
            raise self._kind.taken(key) from error
        return self.get(key)

    def change(self, known: Entry[F], fields: F) -> Entry[F]:
        """Store new fields, which brings a deleted entry back. Raises: EtagMismatch."""
        self._update(known, {**self._values(fields), "deleted_at": None})
        return self.get(known.key)

    def delete(self, known: Entry[F]) -> None:
        """Mark an entry as deleted. Raises: EtagMismatch."""
        self._update(known, {"deleted_at": utc_now()})

    def erase(self, known: Entry[F]) -> None:
        """Remove an entry for good. Raises: EtagMismatch."""
        mine = (*self._mine(known.key), self._table.c.revision == known.stamp.revision)
        if not self._connection.execute(delete(self._table).where(*mine)).rowcount:
            raise EtagMismatch

    def page(self, listing: Listing) -> Sequence[Entry[F]]:
        """Give the entries of a page."""
        query = select(self._table).where(self._table.c.tenant == self._tenant)
        query = self._ordered(self._filtered(query, listing.filters), listing)
        return [self._entry(row) for row in self._connection.execute(query.limit(listing.limit)).mappings()]

    def known(self, ids: Collection[str]) -> Mapping[str, Entry[F]]:
        """Give the entries that have one of the ids, deleted or not, by id."""
        wanted, found = sorted(ids), {}
        for start in range(0, len(wanted), _AT_ONCE):
            mine = (self._table.c.tenant == self._tenant, self._id.in_(wanted[start : start + _AT_ONCE]))
            for row in self._connection.execute(select(self._table).where(*mine)).mappings():
                found[str(row[self._id.name])] = self._entry(row)
        return found

    def add_all(self, entries: Mapping[Key, F]) -> None:
        """Store new entries, whose keys are free."""
        now = self._now()
        stamp = {"created_at": now, "updated_at": now, "revision": 1}
        rows = [{**self._ids(key), **self._values(fields), **stamp} for key, fields in entries.items()]
        if rows:
            self._connection.execute(insert(self._table), rows)

    def change_all(self, changes: Sequence[tuple[Entry[F], F]]) -> None:
        """Store new fields of entries that nobody else can have changed since they were read."""
        now = self._now()
        rows = [
            {
                "entry_key": known.entry_id,
                **self._values(fields),
                "updated_at": now,
                "revision": known.stamp.revision + 1,
                "deleted_at": None,
            }
            for known, fields in changes
        ]
        if rows:
            mine = (self._table.c.tenant == self._tenant, self._id == bindparam("entry_key"))
            self._connection.execute(update(self._table).where(*mine), rows)

    def _now(self) -> datetime:
        return self._connection.execute(select(utc_now())).scalar_one()

    def _ids(self, key: Key) -> dict[str, object]:
        return {"tenant": self._tenant, **dict(zip(self._kind.id_names, key, strict=True))}

    def _mine(self, key: Key) -> Sequence[ColumnElement[bool]]:
        return [self._table.c[name] == value for name, value in self._ids(key).items()]

    def _values(self, fields: F) -> dict[str, object]:
        return {name: getattr(fields, name) for name in self._kind.fields.__dataclass_fields__}

    def _update(self, known: Entry[F], values: Mapping[str, object]) -> None:
        revision = known.stamp.revision
        mine = (*self._mine(known.key), self._table.c.revision == revision)
        changed = (
            update(self._table).where(*mine).values(**values, updated_at=utc_now(), revision=revision + 1)
        )
        if not self._connection.execute(changed).rowcount:
            raise EtagMismatch

    def _filtered(self, query: Select[tuple[object, ...]], filters: Filters) -> Select[tuple[object, ...]]:
        columns = self._table.c
        for name, value in filters.equal.items():
            query = query.where(columns[name].is_(None) if value is None else columns[name] == value)
        for name, wanted in filters.holding.items():
            is_empty = columns[name] == ()
            held = is_empty if wanted is None else holds(self._connection, columns[name], wanted)
            query = query.where(held)
        for name, path in filters.below.items():
            query = query.where(at_or_below(columns[name], path))
        if filters.start is not None:
            query = query.where(or_(columns.end_date.is_(None), columns.end_date >= filters.start))
        if filters.end is not None:
            query = query.where(columns.start_date <= filters.end)
        return query if filters.with_deleted else query.where(columns.deleted_at.is_(None))

    def _ordered(self, query: Select[tuple[object, ...]], listing: Listing) -> Select[tuple[object, ...]]:
        order = listing.order.columns(self._id.name)
        columns = [(self._table.c[name], is_descending) for name, is_descending in order]
        if listing.after:
            places = zip(columns, listing.after, strict=True)
            query = query.where(_behind([(*column, _stored(column[0], text)) for column, text in places]))
        return query.order_by(*(column.desc() if down else column for column, down in columns))

    def _entry(self, row: RowMapping) -> Entry[F]:
        names = self._kind.fields.__dataclass_fields__
        return Entry(
            tuple(row[name] for name in self._kind.id_names),
            self._kind.fields(**{name: row[name] for name in names}),
            Stamp(**{name: row[name] for name in _STAMP}),
        )


def _behind(places: Sequence[tuple[ColumnElement[Any], bool, object]]) -> ColumnElement[bool]:
    """Give the condition that a row comes behind a place: columns, whether each descends, and its value."""
    (column, is_descending, value), *rest = places
    beyond = column < value if is_descending else column > value
    if not rest:
        return beyond
    # The first condition alone bounds the range of the index; servers do so badly with a row value.
    return and_(column <= value if is_descending else column >= value, or_(beyond, _behind(rest)))


def _stored(column: ColumnElement[object], text: str) -> object:
    """Give the value of a column that a position names."""
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(text)
    return date.fromisoformat(text) if isinstance(column.type, Date) else text
