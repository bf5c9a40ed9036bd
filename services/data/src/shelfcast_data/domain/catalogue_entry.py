"""What all entries of the catalogue have in common: stamps, masks, version tags and field rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shelfcast_servicekit.errors import EtagMismatch, FieldMissing, FieldRuleViolated, Violation

from shelfcast_data.errors import IdMismatch, MaskPathUnknown

REPLACE: Final = "*"
REQUIRED: Final = "required"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When an entry was made and changed, and how often."""

    created_at: datetime
    """When it was created."""
    updated_at: datetime
    """When it was last changed."""
    deleted_at: datetime | None
    """When it was deleted; None while it is active."""
    revision: int
    """Counts the changes, from 1; its text is the etag."""

    @property
    def etag(self) -> str:
        """Version tag for If-Match."""
        return str(self.revision)

    def is_named_by(self, etag: str) -> bool:
        """Whether a tag is empty, `*`, or this version's."""
        return etag in {"", "*"} or etag.removeprefix("W/").strip('"') == self.etag

    def check(self, etag: str) -> None:
        """Raise EtagMismatch unless the tag names this version."""
        if not self.is_named_by(etag):
            raise EtagMismatch


def masked_fields(
    mask: Sequence[str], populated: Collection[str], changeable: Collection[str]
) -> frozenset[str]:
    """Give the fields that an update changes.

    mask: paths as sent; empty means the populated fields, `*` means all.
    Raises: MaskPathUnknown for a path that is not changeable.
    """
    if REPLACE in mask:
        return frozenset(changeable)
    unknown = [path for path in mask if path not in changeable]
    if unknown:
        faults = [
            Violation("/update_mask", f"{path[:64]} cannot be changed.", "mask.path") for path in unknown
        ]
        raise MaskPathUnknown(violations=faults, path=unknown[0][:64])
    return frozenset(mask) if mask else frozenset(populated) & frozenset(changeable)


def check_same_key(path_key: Sequence[str], body_key: Sequence[str]) -> None:
    """Raise IdMismatch if the body names another id than the path."""
    for path_id, body_id in zip(path_key, body_key, strict=True):
        if body_id and body_id != path_id:
            raise IdMismatch(path_id=path_id[:128], body_id=body_id[:128])


def length_fault(pointer: str, text: str | None, most: int) -> list[Violation]:
    """Give the fault of a text that is over `most` characters or not printable."""
    if text is None or (len(text) <= most and all(each.isprintable() for each in text)):
        return []
    detail = f"At most {most} printable characters are taken."
    return [Violation(pointer, detail, "string.max_len")]


def required_fault(pointer: str) -> Violation:
    """Give the fault of a field that must have a value and has none."""
    return Violation(pointer, f"{pointer.rpartition('/')[2]} is required.", REQUIRED)


def raise_if_any(faults: Sequence[Violation]) -> None:
    """Raise FieldMissing or FieldRuleViolated with all faults, if there are any."""
    for fault in faults:
        if fault.rule == REQUIRED:
            raise FieldMissing(violations=faults, field=fault.pointer.rpartition("/")[2])
    if faults:
        raise FieldRuleViolated(violations=faults)
