"""The database's own clock in SQL, and a column type for instants that both stores keep alike."""

# ruff: noqa: ARG001, ARG002 - SQLAlchemy decides what its hooks take

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, literal
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An instant in UTC with microseconds: aware in Python, DATETIME(6) or text in the store."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Give DATETIME(6) on MySQL, which keeps whole seconds by default."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store an aware instant as naive UTC. Raises: ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware instant in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class utc_now(FunctionElement[datetime]):  # noqa: N801 - reads as an SQL function
    """The database's clock in UTC (microseconds on MySQL, milliseconds on SQLite)."""

    type = UtcDateTime()
    inherit_cache = True
    name = "utc_now"


class utc_after(FunctionElement[datetime]):  # noqa: N801 - reads as an SQL function
    """The database's clock plus some seconds (negative: before now)."""

    type = UtcDateTime()
    inherit_cache = True
    name = "utc_after"

    def __init__(self, seconds: float) -> None:
        """Mean `seconds` after the database's now; resolution one millisecond."""
        super().__init__(literal(round(seconds * 1000)))


@compiles(utc_now)
def _now_mysql(element: utc_now, compiler: SQLCompiler, **_: object) -> str:
    return "UTC_TIMESTAMP(6)"


@compiles(utc_now, "sqlite")
def _now_sqlite(element: utc_now, compiler: SQLCompiler, **_: object) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(utc_after)
def _after_mysql(element: utc_after, compiler: SQLCompiler, **kw: object) -> str:
    return f"TIMESTAMPADD(MICROSECOND, 1000 * {compiler.process(element.clauses, **kw)}, UTC_TIMESTAMP(6))"


@compiles(utc_after, "sqlite")
def _after_sqlite(element: utc_after, compiler: SQLCompiler, **kw: object) -> str:
    shift = f"printf('%+.3f seconds', {compiler.process(element.clauses, **kw)} / 1000.0)"
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {shift})"
