"""Query parameters and other text to fields: read by the field's type, never by the text's looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote_to_bytes

from google.protobuf.message import Message

from shelfcast_gateway.adapters.codec.fault import MOST_FAULTS, Fault, FaultKind, ValueFault, token
from shelfcast_gateway.adapters.codec.reader import (
    Faults,
    FieldReader,
    MessageReader,
    parse_json,
)


def split_query(query: bytes) -> dict[str, list[bytes]]:
    """Give the raw values of each parameter, in order; names are decoded, values are not.

    Raises: ValueFault when a name is no UTF-8.
    """
    found: dict[str, list[bytes]] = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            found.setdefault(decoded(name), []).append(value)
    return found


def decoded(raw: bytes) -> str:
    """Give the text of a raw query part: `+` is a blank. Raises: ValueFault when it is no UTF-8."""
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise ValueFault("The text is no UTF-8.") from error


def read_query(
    query: bytes, reader: MessageReader, message: Message, taken: Iterable[str], faults: Faults
) -> set[str]:
    """Fill fields from a query string; give the names of the top-level fields that were given.

    taken: top-level fields that path or body fill; as a parameter they are unknown.
    """
    try:
        parameters = split_query(query)
    except ValueFault as fault:
        faults.append(fault.at(""))
        return set()
    given = set()
    blocked = frozenset(taken)
    for name, values in parameters.items():
        top = name.partition(".")[0]
        given.add(top)
        if top in blocked:
            faults.append(_unknown(name))
            continue
        _read_parameter(name, values, reader, message, faults)
        if len(faults) >= MOST_FAULTS:
            break
    return given


def _read_parameter(
    name: str, values: list[bytes], reader: MessageReader, message: Message, faults: Faults
) -> None:
    pointer = "/" + "/".join(token(part[:100]) for part in name.split("."))
    found = _target(name, reader, message)
    if found is None:
        faults.append(_unknown(name))
        return
    field, owner = found
    if field.is_read_only:
        faults.append(Fault(FaultKind.READ_ONLY, pointer, "This field can only be read."))
        return
    try:
        texts = [decoded(part) for part in _parts(field, values)]
    except ValueFault as fault:
        faults.append(fault.at(pointer))
        return
    read_texts(field, texts, owner, pointer, faults)


def _parts(field: FieldReader, values: list[bytes]) -> Iterator[bytes]:
    """Cut lists at commas before decoding, so that `%2C` stays part of an id."""
    for value in values:
        if field.is_repeated:
            yield from value.split(b",")
        else:
            yield value


def _target(name: str, reader: MessageReader, message: Message) -> tuple[FieldReader, Message] | None:
    """Find the field that a dotted name addresses, and the message that holds it."""
    *outer, last = name.split(".")
    for part in outer:
        field = reader.fields.get(part)
        if field is None or field.message is None or field.is_repeated or field.is_read_only:
            return None
        reader, message = field.message, getattr(message, part)
    field = reader.fields.get(last)
    return None if field is None or field.message is not None else (field, message)


def _unknown(name: str) -> Fault:
    pointer = "/" + token(name[:100])
    return Fault(FaultKind.UNKNOWN, pointer, "There is no such parameter.")


def read_texts(field: FieldReader, texts: list[str], message: Message, pointer: str, faults: Faults) -> None:
    """Fill one field from its text or texts."""
    if not field.is_repeated and len(texts) > 1:
        faults.append(Fault(FaultKind.UNREADABLE, pointer, "This parameter may be given once."))
        return
    try:
        _fill(field, texts, message, pointer, faults)
    except ValueFault as fault:
        faults.append(fault.at(pointer))


def _fill(field: FieldReader, texts: list[str], message: Message, pointer: str, faults: Faults) -> None:
    if field.is_map:
        field.read(parse_json(texts[0].encode()), message, pointer, faults)
    elif field.scalar is not None and field.is_repeated:
        getattr(message, field.name).extend([field.scalar.from_text(text) for text in texts])
    elif field.scalar is not None:
        setattr(message, field.name, field.scalar.from_text(texts[0]))
    elif field.known is not None and not field.is_repeated:
        target = getattr(message, field.name)
        target.SetInParent()
        field.known.read_text(texts[0], target)
    else:
        raise ValueFault("This field cannot be given as a parameter.")


def read_path(variables: Mapping[str, str], reader: MessageReader, message: Message, faults: Faults) -> None:
    """Fill fields from the variables of a path, which is known to name scalar fields."""
    for name, text in variables.items():
        read_texts(reader.fields[name], [text], message, f"/{name}", faults)
