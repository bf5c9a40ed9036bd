"""One span per SQL statement, from the engine's own events.

The stock instrumentation patches `create_engine` and `Engine.connect` for the whole process and adds a
span per checkout; these listeners belong to one engine and add nothing else.
"""

# ruff: noqa: ARG001 - SQLAlchemy decides what its hooks take

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import event

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from sqlalchemy.engine import Connection, Engine, ExceptionContext
    from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

_LONGEST_STATEMENT: Final = 2000
_SYSTEMS: Final = {"mysql": "mysql", "mariadb": "mariadb", "sqlite": "sqlite"}
_KEY: Final = "shelfcast_span"
_UNTRACED: Final = "shelfcast_untraced"

UNTRACED: Final = MappingProxyType({_UNTRACED: True})
"""Execution options of a statement that is no step of a use case and makes no span."""

_TRACER: Final = trace.get_tracer("shelfcast.sql")


def trace_statements(engine: Engine) -> None:
    """Make each statement on `engine` a child span of the current span; none without a current span."""
    event.listen(engine, "before_cursor_execute", _start)
    event.listen(engine, "after_cursor_execute", _finish)
    event.listen(engine, "handle_error", _fail)


def _start(
    connection: Connection,
    cursor: DBAPICursor,
    statement: str,
    parameters: object,
    context: ExecutionContext | None,
    executemany: bool,
) -> None:
    if not trace.get_current_span().is_recording() or _is_untraced(context):
        return
    verb = statement.lstrip().split(None, 1)[0].upper()
    url = connection.engine.url
    attributes = {
        "db.system.name": _SYSTEMS.get(connection.dialect.name, connection.dialect.name),
        "db.operation.name": verb,
        "db.query.text": statement[:_LONGEST_STATEMENT],
        "db.namespace": (url.database or "").rsplit("/", 1)[-1],
    }
    span = _TRACER.start_span(f"{verb} sql", kind=SpanKind.CLIENT, attributes=attributes)
    connection.info[_KEY] = span


def _is_untraced(context: ExecutionContext | None) -> bool:
    return context is not None and _UNTRACED in context.execution_options


def _finish(
    connection: Connection,
    cursor: DBAPICursor,
    statement: str,
    parameters: object,
    context: ExecutionContext | None,
    executemany: bool,
) -> None:
    span: Span | None = connection.info.pop(_KEY, None)
    if span is not None:
        span.end()


def _fail(context: ExceptionContext) -> None:
    if context.connection is None:
        return
    span: Span | None = context.connection.info.pop(_KEY, None)
    if span is not None:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", type(context.original_exception).__name__)
        span.end()
