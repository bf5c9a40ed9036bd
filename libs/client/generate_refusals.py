"""Write `refusals.py` anew from the reasons that the protos declare."""
# ruff: noqa: INP001 - a script beside the package, not a part of it

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import shelfcast
from google.protobuf.descriptor import EnumValueDescriptor
from shelfcast.common.v1 import options_pb2

TARGET = Path(__file__).resolve().parent / "src/shelfcast_client/refusals.py"
HEAD = '''"""One exception per reason of the protos; written by `make proto`, not by hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shelfcast_client.errors import RequestRefused
'''


def reasons() -> dict[str, EnumValueDescriptor]:
    """Give the declared reasons of all areas, sorted; a reason that two areas share comes once."""
    found: dict[str, EnumValueDescriptor] = {}
    for folder in shelfcast.__path__:
        for path in sorted(Path(folder).glob("*/v1/errors_pb2.py")):
            module = importlib.import_module(f"shelfcast.{path.parents[1].name}.v1.errors_pb2")
            for value in module.DESCRIPTOR.enum_types_by_name["ErrorReason"].values:
                if value.number:
                    found.setdefault(value.name, value)
    return dict(sorted(found.items()))


def class_name(reason: str) -> str:
    """Give the name of the exception: `PRODUCT_NOT_FOUND` is `ProductNotFound`."""
    return "".join(word.capitalize() for word in reason.split("_"))


def render() -> str:
    """Give the whole text of the module."""
    known = reasons()
    parts = [HEAD, *(_class(value) for value in known.values()), _table(list(known))]
    return "\n\n".join(parts)


def _class(value: EnumValueDescriptor) -> str:
    option = value.GetOptions().Extensions[options_pb2.error]
    hint = _literal(option.hint)
    return (
        f"class {class_name(value.name)}(RequestRefused):\n"
        f'    """{option.title}."""\n\n'
        f'    reason = "{value.name}"\n'
        f"    status = {option.http_status}\n"
        f"    hint = {hint}\n"
    )


def _literal(text: str) -> str:
    """Give a string literal; one too long for a line is cut in two."""
    quote = "'" if '"' in text else '"'
    if len(text) <= 90:
        return f"{quote}{text}{quote}"
    cut = text.rindex(" ", 0, 90) + 1
    return f"(\n        {quote}{text[:cut]}{quote}\n        {quote}{text[cut:]}{quote}\n    )"


def _table(names: list[str]) -> str:
    rows = "".join(f'        "{name}": {class_name(name)},\n' for name in names)
    start = "REFUSALS: Final[Mapping[str, type[RequestRefused]]] = MappingProxyType(\n    {\n"
    return f'{start}{rows}    }}\n)\n"""The exception of each reason."""\n'


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    sys.exit(0)
