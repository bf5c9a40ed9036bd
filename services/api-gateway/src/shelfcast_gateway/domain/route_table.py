"""The signpost: from a verb and a raw path to a binding, or to what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from shelfcast_gateway.domain.binding import Binding
from shelfcast_gateway.domain.template import ONE, REST


class RouteDoubled(ValueError):
    """Two rules match the same requests; the gateway must not start."""


class PathUnreadable(ValueError):
    """The percent-encoded bytes of a path are no UTF-8."""


@dataclass(frozen=True, slots=True)
class Match:
    """A binding and the path text of its variables, decoded."""

    binding: Binding
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The path exists, the verb does not."""

    allow: tuple[str, ...]
    """Verbs that the path has, sorted."""


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    one: _Node | None = None
    rest: _Node | None = None
    leaves: dict[str, dict[str, Binding]] = field(default_factory=dict)
    """Bindings by custom verb, then by HTTP method."""


class RouteTable:
    """An immutable trie of all bindings; a literal goes before a variable, a variable before `**`.

    A path decides for one template first, the method is looked up second: `GET /forecast/retrain` is a
    405, not the forecast of a product called "retrain".
    """

    def __init__(self, bindings: Iterable[Binding]) -> None:
        """Build the trie. Raises: RouteDoubled when two bindings match the same requests."""
        self.bindings: Final = tuple(bindings)
        self._root = _Node()
        self._verbs = frozenset(each.template.verb for each in self.bindings if each.template.verb)
        for binding in self.bindings:
            self._add(binding)

    def _add(self, binding: Binding) -> None:
        node = self._root
        for segment in binding.template.segments:
            node = _child(node, segment)
        by_method = node.leaves.setdefault(binding.template.verb, {})
        known = by_method.setdefault(binding.verb, binding)
        if known is not binding:
            raise RouteDoubled(f"{binding.verb} {known.template.text} and {binding.template.text}")

    def match(self, method: str, raw_path: bytes) -> Match | NotAllowed | None:
        """Give the binding for a request, the allowed verbs, or None when there is no such path.

        raw_path: the path as sent, still percent-encoded: `%2F` and `%3A` belong to ids.
        Raises: PathUnreadable.
        """
        if not raw_path.startswith(b"/"):
            return None
        raw = raw_path[1:].split(b"/")
        last, colon, verb = raw[-1].rpartition(b":")
        name = verb.decode("latin-1")
        if colon and name in self._verbs:
            found = self._find(method, [*raw[:-1], last], name)
            if found is not None:
                return found
        return self._find(method, raw, "")

    def _find(self, method: str, raw: list[bytes], verb: str) -> Match | NotAllowed | None:
        segments = [_decoded(each) for each in raw]
        leaf = _search(self._root, segments, 0, verb)
        if leaf is None:
            return None
        binding = leaf.get("GET" if method == "HEAD" else method)
        if binding is None:
            return NotAllowed(allowed_methods(leaf))
        variables = {
            each.field_path: "/".join(segments[each.start : _end(each.end, binding, len(segments))])
            for each in binding.template.variables
        }
        return Match(binding, variables)

    def reserved_ids(self) -> frozenset[str]:
        """Give the literals that stand where another route has a variable: no id may be called so."""
        return frozenset(_reserved(self._root))


def _end(end: int, binding: Binding, count: int) -> int:
    segments = binding.template.segments
    return count if end == len(segments) and segments[-1] == REST else end


def _child(node: _Node, segment: str) -> _Node:
    if segment == ONE:
        node.one = node.one or _Node()
        return node.one
    if segment == REST:
        node.rest = node.rest or _Node()
        return node.rest
    return node.literals.setdefault(segment, _Node())


def _search(node: _Node, segments: list[str], index: int, verb: str) -> dict[str, Binding] | None:
    if index == len(segments):
        return node.leaves.get(verb)
    segment = segments[index]
    literal = node.literals.get(segment)
    if literal is not None:
        found = _search(literal, segments, index + 1, verb)
        if found is not None:
            return found
    if node.one is not None and segment:
        found = _search(node.one, segments, index + 1, verb)
        if found is not None:
            return found
    return node.rest.leaves.get(verb) if node.rest is not None else None


def _decoded(raw: bytes) -> str:
    try:
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode()
    except UnicodeDecodeError as error:
        raise PathUnreadable("the path is no UTF-8") from error


def allowed_methods(leaf: Mapping[str, object]) -> tuple[str, ...]:
    """Give the value of Allow for the verbs of a path: GET brings HEAD.

    >>> allowed_methods({"GET": 1, "DELETE": 1})
    ('DELETE', 'GET', 'HEAD')
    """
    return tuple(sorted({*leaf, *(("HEAD",) if "GET" in leaf else ())}))


def _reserved(node: _Node) -> Iterator[str]:
    children = [*node.literals.values(), *([node.one] if node.one else [])]
    if node.one is not None:
        yield from node.literals
    for child in children:
        yield from _reserved(child)
