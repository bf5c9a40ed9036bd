"""All tables of the service, wherever they are declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_data.adapters.sql import outbox_schema, stock_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table


def every_table() -> Sequence[Table]:
    """Give the tables in the order of their names."""
    declared = (outbox_schema.OUTBOX, stock_schema.MOVEMENTS)
    return declared[0].metadata.sorted_tables
