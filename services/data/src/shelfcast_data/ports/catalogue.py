"""What the catalogue needs from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from shelfcast_data.domain.entry import Entry, F, Key
from shelfcast_data.domain.holiday import Holiday
from shelfcast_data.domain.listing import Listing


class Entries(Protocol[F]):
    """The entries of one kind of a tenant."""

    def get(self, key: Key) -> Entry[F]:
        """Give an entry, deleted or not. Raises: the kind's `not_found`."""

    def shared(self, key: Key) -> Entry[F]:
        """Give an entry as `get` does; nobody changes or removes it before the commit."""

    def locked(self, key: Key) -> Entry[F]:
        """Give an entry as `get` does, once nobody else holds it; others wait for the commit."""

    def add(self, key: Key, fields: F) -> Entry[F]:
        """Store a new entry. Raises: the kind's `exists`."""

    def change(self, known: Entry[F], fields: F) -> Entry[F]:
        """Store new fields, which brings a deleted entry back. Raises: EtagMismatch."""

    def delete(self, known: Entry[F]) -> None:
        """Mark an entry as deleted. Raises: EtagMismatch."""

    def erase(self, known: Entry[F]) -> None:
        """Remove an entry for good. Raises: EtagMismatch."""

    def page(self, listing: Listing) -> Sequence[Entry[F]]:
        """Give the entries of a page."""

    def known(self, ids: Collection[str]) -> Mapping[str, Entry[F]]:
        """Give the entries that have one of the ids, deleted or not, by id."""

    def add_all(self, entries: Mapping[Key, F]) -> None:
        """Store new entries, whose keys are free."""

    def change_all(self, changes: Sequence[tuple[Entry[F], F]]) -> None:
        """Store new fields of entries that were read after `hold`."""


class CategoryPaths(Protocol):
    """The paths of a tenant's categories, and those that its products name."""

    def longest_below(self, path: str) -> int:
        """Give the length of the longest path at or below a path, in characters."""

    def move(self, old: str, new: str) -> None:
        """Put `new` in the place of `old` in all products at or below it and all categories below it."""


class Holidays(Protocol):
    """What is known of public holidays."""

    def of_year(self, country_code: str, subdivision_code: str | None, year: int) -> Sequence[Holiday]:
        """Give the holidays of a year in the order of their dates. Raises: HolidaysUnknown."""
