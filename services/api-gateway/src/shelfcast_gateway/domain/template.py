"""Path templates of `google.api.http` rules, taken apart once at start.

Source: google/api/http.proto, "Path template syntax".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

ONE: Final = "*"
"""Segment that matches any single segment."""
REST: Final = "**"
"""Segment that matches whatever is left; only at the end."""

_LITERAL: Final = re.compile(r"[A-Za-z0-9._~!$&'()+,;=@%-]+")
_FIELD_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


class TemplateMalformed(ValueError):
    """A path template breaks the grammar; the gateway must not start."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A field of the request that a run of path segments fills."""

    field_path: str
    """Field, with dots for nested ones."""
    start: int
    """Index of its first segment."""
    end: int
    """Index after its last segment."""


@dataclass(frozen=True, slots=True)
class Template:
    """A path template: its segments, its variables and its verb."""

    text: str
    """The template as declared."""
    segments: tuple[str, ...]
    """Literals, `*` and `**` in order."""
    variables: tuple[Variable, ...]
    """Variables in order."""
    verb: str
    """Custom verb after the colon; empty means none."""

    @property
    def shape(self) -> tuple[tuple[str, ...], str]:
        """Give what two templates share when they match the same paths."""
        return self.segments, self.verb

    def expand(self, values: Mapping[str, str]) -> str:
        """Fill the variables with values, percent-encoded.

        >>> parse_template("/jobs/{job_id}:cancel").expand({"job_id": "a/b"})
        '/jobs/a%2Fb:cancel'
        """
        parts = list(self.segments)
        for variable in reversed(self.variables):
            safe = "/" if self.segments[variable.end - 1] == REST else ""
            parts[variable.start : variable.end] = [quote(values[variable.field_path], safe=safe)]
        return "/" + "/".join(parts) + (f":{self.verb}" if self.verb else "")


def parse_template(text: str) -> Template:
    """Take a template apart.

    Raises: TemplateMalformed naming what breaks the grammar.

    >>> parse_template("/api/v1/jobs/{job_id}:cancel").segments
    ('api', 'v1', 'jobs', '*')
    """
    if not text.startswith("/"):
        raise TemplateMalformed(f"{text!r} does not begin with a slash")
    body, verb = _split_verb(text)
    segments: list[str] = []
    variables: list[Variable] = []
    for part in _split_outside_braces(body[1:], text):
        _add_part(part, segments, variables, text)
    _check(segments, variables, text)
    return Template(text, tuple(segments), tuple(variables), verb)


def _split_verb(text: str) -> tuple[str, str]:
    closing = text.rfind("}")
    colon = text.rfind(":")
    if colon <= closing or colon < text.rfind("/"):
        return text, ""
    verb = text[colon + 1 :]
    if not _LITERAL.fullmatch(verb):
        raise TemplateMalformed(f"{text!r} has a malformed verb")
    return text[:colon], verb


def _split_outside_braces(body: str, text: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for index, character in enumerate(body):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth not in {0, 1}:
            raise TemplateMalformed(f"{text!r} has braces that do not match")
        if character == "/" and depth == 0:
            parts.append(body[begin:index])
            begin = index + 1
    if depth:
        raise TemplateMalformed(f"{text!r} has braces that do not match")
    return [*parts, body[begin:]]


def _add_part(part: str, segments: list[str], variables: list[Variable], text: str) -> None:
    if not (part.startswith("{") and part.endswith("}")):
        segments.append(_plain(part, text))
        return
    field_path, equals, pattern = part[1:-1].partition("=")
    if not _FIELD_PATH.fullmatch(field_path):
        raise TemplateMalformed(f"{text!r} has the malformed variable {part!r}")
    inner = pattern.split("/") if equals else [ONE]
    start = len(segments)
    segments.extend(_plain(each, text) for each in inner)
    variables.append(Variable(field_path, start, len(segments)))


def _plain(part: str, text: str) -> str:
    if part in {ONE, REST} or _LITERAL.fullmatch(part):
        return part
    raise TemplateMalformed(f"{text!r} has the malformed segment {part!r}")


def _check(segments: list[str], variables: list[Variable], text: str) -> None:
    if REST in segments[:-1]:
        raise TemplateMalformed(f"{text!r} has ** before its end")
    names = [variable.field_path for variable in variables]
    if len(set(names)) != len(names):
        raise TemplateMalformed(f"{text!r} names a variable twice")
