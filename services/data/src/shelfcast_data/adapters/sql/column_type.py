"""Column types that both stores keep exactly."""

# ruff: noqa: ARG002 - SQLAlchemy decides what its hooks take

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson
from shelfcast_servicekit.jobs.table import exact_text, long_text
from sqlalchemy import BigInteger, Integer, Numeric, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from shelfcast_data.domain.decimal_text import decimal_of, millionths_of
from shelfcast_data.domain.pipeline import steps_of, steps_text
from shelfcast_data.domain.pipeline_step import Step
from shelfcast_data.domain.supplier import CostBreak
from shelfcast_data.domain.weekday import Weekday

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine


class Millionths(TypeDecorator[int]):
    """A decimal with six places: whole millionths in Python, DECIMAL(18,6) in MySQL, an integer in SQLite."""

    impl = Numeric(18, 6)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the store."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(mysql.DECIMAL(18, 6))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> object:
        """Store millionths as the decimal that they are."""
        return value if value is None or dialect.name == "sqlite" else decimal_of(value)

    def process_result_value(self, value: object, dialect: Dialect) -> int | None:
        """Give millionths."""
        if value is None:
            return None
        return value if isinstance(value, int) else millionths_of(Decimal(str(value)))


class as_millionths(FunctionElement[int]):  # noqa: N801 - reads as an SQL function
    """A column of `Millionths` as the whole number that it is in Python."""

    type = BigInteger()
    inherit_cache = True
    name = "as_millionths"


@compiles(as_millionths)
def _millionths_mysql(element: as_millionths, compiler: SQLCompiler, **kw: object) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} * 1000000 AS SIGNED)"


@compiles(as_millionths, "sqlite")
def _millionths_sqlite(element: as_millionths, compiler: SQLCompiler, **kw: object) -> str:
    return compiler.process(element.clauses, **kw)


def number() -> Integer:
    """Give the type of a surrogate number: four bytes without a sign on MySQL."""
    return Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


class Amount(TypeDecorator[Decimal]):
    """A decimal with six places, as a decimal in Python too."""

    impl = Millionths
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Store a decimal as millionths."""
        return None if value is None else millionths_of(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Give the decimal of millionths."""
        return None if value is None else decimal_of(value)


class Word(TypeDecorator[StrEnum]):
    """A word out of a fixed set."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        """Keep words of `words`, of up to 32 characters."""
        super().__init__(32)
        self.words = words

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the store."""
        return exact_text(32).dialect_impl(dialect)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Store the plain word."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Give the word of the set."""
        return None if value is None else self.words(value)


class Weekdays(TypeDecorator[tuple[Weekday, ...]]):
    """Days of the week, as their ISO numbers in a row."""

    impl = String
    cache_ok = True

    def __init__(self) -> None:
        """Hold up to seven days."""
        super().__init__(7)

    def process_bind_param(self, value: Sequence[Weekday] | None, dialect: Dialect) -> str | None:
        """Store no days as NULL."""
        return "".join(str(int(day)) for day in value) if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Weekday, ...]:
        """Give the days; NULL is none."""
        return tuple(Weekday(int(digit)) for digit in value or "")


class Ids(TypeDecorator[tuple[str, ...]]):
    """Ids in their order, as a JSON array."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the store."""
        return long_text().dialect_impl(dialect)

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str:
        """Store ids as JSON."""
        return orjson.dumps(list(value or ())).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Give the ids."""
        return tuple(orjson.loads(value or "[]"))


class TextMap(TypeDecorator[Mapping[str, str]]):
    """Texts by text, as a JSON object."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the store."""
        return long_text().dialect_impl(dialect)

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str:
        """Store the pairs as JSON."""
        return orjson.dumps(dict(value or {}), option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, str]:
        """Give the pairs."""
        pairs: dict[str, str] = orjson.loads(value or "{}")
        return pairs


class Steps(TypeDecorator[tuple[Step, ...]]):
    """Steps of a pipeline, as JSON."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the store."""
        return long_text().dialect_impl(dialect)

    def process_bind_param(self, value: Sequence[Step] | None, dialect: Dialect) -> str:
        """Store steps as JSON."""
        return steps_text(value or ())

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Step, ...]:
        """Give the steps."""
        return steps_of(value or "[]")


class CostBreaks(TypeDecorator[tuple[CostBreak, ...]]):
    """Costs by quantity, as a JSON array of pairs of decimal texts."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give the type of the store."""
        return long_text().dialect_impl(dialect)

    def process_bind_param(self, value: Sequence[CostBreak] | None, dialect: Dialect) -> str:
        """Store the pairs as JSON."""
        pairs = [(str(each.minimum_quantity), str(each.unit_cost)) for each in value or ()]
        return orjson.dumps(pairs).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[CostBreak, ...]:
        """Give the breaks."""
        return tuple(CostBreak(Decimal(least), Decimal(cost)) for least, cost in orjson.loads(value or "[]"))
