"""One entry of the catalogue, of whatever kind: its key, its fields and its stamp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from shelfcast_servicekit.errors import ShelfcastError, Violation

from shelfcast_data.domain.catalogue_entry import Stamp

Key: TypeAlias = tuple[str, ...]
"""The ids that name an entry: its own, behind those of what it belongs to."""


class Fields(Protocol):
    """What a client says about an entry: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store; pointers begin with `at`."""


F = TypeVar("F", bound=Fields)


@dataclass(frozen=True, slots=True)
class Kind(Generic[F]):
    """What is the same for all entries of one kind."""

    name: str
    """Member of the requests that holds an entry, and cause of its data versions, for instance `product`."""
    id_names: tuple[str, ...]
    """Names of the ids in a key."""
    fields: type[F]
    """Type of the fields."""
    not_found: type[ShelfcastError]
    """Raised where no entry has the key (metadata: the ids)."""
    exists: type[ShelfcastError]
    """Raised where a new entry has a key that is taken (metadata: the ids)."""
    orders: tuple[str, ...]
    """Names that a list may be ordered by, the usual one first."""
    derived: frozenset[str] = frozenset()
    """Fields that follow from others and are not for clients to set."""
    makes_ids: bool = True
    """Whether an id is made up for a new entry that has none."""
    is_data: bool = True
    """Whether a change of an entry makes a data version."""

    @property
    def id_name(self) -> str:
        """Name of the entry's own id."""
        return self.id_names[-1]

    @property
    def changeable(self) -> Sequence[str]:
        """Names of the fields that a client may change."""
        return [name for name in self.fields.__dataclass_fields__ if name not in self.derived]

    def missing(self, key: Key) -> ShelfcastError:
        """Give the error that says that there is no such entry."""
        return self.not_found(**self._facts(key))

    def taken(self, key: Key) -> ShelfcastError:
        """Give the error that says that there is such an entry already."""
        return self.exists(**self._facts(key))

    def _facts(self, key: Key) -> dict[str, Any]:
        return dict(zip(self.id_names, key, strict=True))


@dataclass(frozen=True, slots=True)
class Entry(Generic[F]):
    """An entry as stored."""

    key: Key
    """Its ids."""
    fields: F
    """What the client says about it."""
    stamp: Stamp
    """When it was made and changed."""

    @property
    def entry_id(self) -> str:
        """Its own id."""
        return self.key[-1]

    @property
    def is_live(self) -> bool:
        """Whether it is not deleted."""
        return self.stamp.deleted_at is None
