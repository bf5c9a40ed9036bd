"""A trace as a tree of lines."""

from __future__ import annotations

from rich.tree import Tree

from shelfcast_client.trace import Trace, TraceSpan


def trace_tree(trace: Trace) -> Tree:
    """Draw the steps of a trace, each with its service and its milliseconds."""
    tree = Tree(f"trace {trace.trace_id}, {_milliseconds(trace.duration_seconds)}")
    for root in trace.roots:
        _add(tree, root)
    return tree


def _add(branch: Tree, span: TraceSpan) -> None:
    mark = " [red]error[/red]" if span.status == "error" else ""
    label = f"{span.service}  {span.name}  {_milliseconds(span.duration_seconds)}{mark}"
    inner = branch.add(label)
    for child in span.children:
        _add(inner, child)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
