"""JSON as CSV text: one object a line, or one array of objects.

Numbers keep the digits that they were written with, so that the rules judge what the client sent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import ijson  # type: ignore[import-untyped]  # ships no types

from shelfcast_data.adapters.files.csv_rows import csv_lines
from shelfcast_data.adapters.files.lines import blocks
from shelfcast_data.domain.column_mapping import MOST_COLUMNS
from shelfcast_data.errors import FileEmpty, FileUnreadable, LineTooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_BLOCK_BYTES: Final = 1024 * 1024
_BATCH: Final = 4096


def from_records(pieces: Callable[[], Iterator[bytes]], longest_line: int) -> Iterator[bytes]:
    """Give NDJSON as CSV text; a line that is no object becomes a row that no header fits.

    pieces: gives the file from its begin, twice: columns are the names of all records, in the order of
    their first appearance. Raises: FileEmpty, FileUnreadable, LineTooLong.
    """

    def batches() -> Iterator[list[object]]:
        for block in blocks(pieces(), b"\n", 0, _BLOCK_BYTES, longest_line):
            yield [_read(line) for line in block.text.removesuffix(b"\n").split(b"\n")]

    first = next((item for batch in batches() for item in batch if item is not None), None)
    if not isinstance(first, dict):
        raise FileUnreadable(
            problem="its first line is no JSON object; send one object a line, or one array of objects"
        )
    yield from _as_csv(batches)


def from_array(pieces: Callable[[], Iterator[bytes]], longest_item: int) -> Iterator[bytes]:
    """Give a JSON array of objects as CSV text; an item that is no object becomes a row that no header fits.

    pieces: as for `from_records`. longest_item: bytes that may pass without an item's end.
    Raises: FileEmpty, FileUnreadable, LineTooLong.
    """
    yield from _as_csv(lambda: _items(pieces(), longest_item))


def _items(pieces: Iterable[bytes], longest_item: int) -> Iterator[list[object]]:
    found = ijson.sendable_list()
    parser = ijson.items_coro(found, "item", use_float=False)
    offset = waited = 0
    try:
        for piece in pieces:
            parser.send(piece)
            offset += len(piece)
            waited = 0 if found else waited + len(piece)
            if waited > longest_item + _BLOCK_BYTES:
                raise LineTooLong(offset=str(offset - waited), limit=str(longest_item))
            if found:
                yield list(found)
                del found[:]
        parser.close()
    except ijson.JSONError as error:
        raise FileUnreadable(problem=f"its JSON is damaged before byte {offset + _BLOCK_BYTES}") from error
    if found:
        yield list(found)


def _read(line: bytes) -> object:
    """Give the object of a line; None for a blank line, the text itself where it is no JSON."""
    text = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        return None
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return text.decode("utf-8", "replace")


def _as_csv(batches: Callable[[], Iterator[list[object]]]) -> Iterator[bytes]:
    names: dict[str, None] = {}
    for batch in batches():
        for item in batch:
            if isinstance(item, dict):
                names.update(dict.fromkeys(item))
        if len(names) > MOST_COLUMNS:
            raise FileUnreadable(problem=f"its records have more than {MOST_COLUMNS} names")
    if not names:
        raise FileEmpty
    yield csv_lines([list(names)])
    for batch in batches():
        for start in range(0, len(batch), _BATCH):
            yield csv_lines(_row(item, names) for item in batch[start : start + _BATCH])


def _row(item: object, names: Iterable[str]) -> Sequence[str]:
    if item is None:
        return []
    if isinstance(item, dict):
        return [_cell(item.get(name)) for name in names]
    return [_cell(item)]


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
