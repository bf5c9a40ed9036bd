"""The comments of the protos, kept beside the stubs in a descriptor set with source information."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import shelfcast
from google.protobuf import descriptor_pb2

FILE_NAME: Final = "descriptors.binpb"

# Field numbers of FileDescriptorProto and its parts, from which source paths are made.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED, _NESTED_ENUM, _VALUE, _METHOD = 2, 3, 4, 2, 2

Place = tuple[int, ...]


def read_comments() -> dict[str, str]:
    """Give the leading comment of each service, method, message, field, enum and value, by full name."""
    found: dict[str, str] = {}
    for file in _descriptor_set().file:
        texts = {
            tuple(location.path): " ".join(location.leading_comments.split())
            for location in file.source_code_info.location
            if location.leading_comments
        }
        for name, place in _places(file):
            if place in texts:
                found[name] = texts[place]
    return found


def _descriptor_set() -> descriptor_pb2.FileDescriptorSet:
    for root in shelfcast.__path__:
        path = Path(root) / FILE_NAME
        if path.exists():
            return descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
    raise FileNotFoundError(FILE_NAME)


def _places(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, Place]]:
    package = file.package
    for index, service in enumerate(file.service):
        name = f"{package}.{service.name}"
        yield name, (_SERVICE, index)
        for number, method in enumerate(service.method):
            yield f"{name}.{method.name}", (_SERVICE, index, _METHOD, number)
    yield from _enums(file.enum_type, package, (), _ENUM)
    for index, message in enumerate(file.message_type):
        yield from _message(message, package, (_MESSAGE, index))


def _message(
    message: descriptor_pb2.DescriptorProto, outer: str, place: Place
) -> Iterator[tuple[str, Place]]:
    name = f"{outer}.{message.name}"
    yield name, place
    for index, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*place, _FIELD, index)
    yield from _enums(message.enum_type, name, place, _NESTED_ENUM)
    for index, nested in enumerate(message.nested_type):
        yield from _message(nested, name, (*place, _NESTED, index))


def _enums(
    enums: Sequence[descriptor_pb2.EnumDescriptorProto], outer: str, place: Place, kind: int
) -> Iterator[tuple[str, Place]]:
    for index, enum in enumerate(enums):
        name = f"{outer}.{enum.name}"
        yield name, (*place, kind, index)
        for number, value in enumerate(enum.value):
            yield f"{name}.{value.name}", (*place, kind, index, _VALUE, number)
