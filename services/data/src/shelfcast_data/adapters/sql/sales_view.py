"""Which rows of `sales` a view shows, as conditions of a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from shelfcast_data.adapters.sql.schema import SALES

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from shelfcast_data.domain.data_version import View

_C = SALES.c


def visible(view: View) -> ColumnElement[bool]:
    """Give the condition under which a row belongs to a view."""
    shown = and_(_C.tenant_no == view.tenant_no, _C.load_no <= view.number)
    return and_(shown, _C.load_no.not_in(view.hidden)) if view.hidden else shown


def not_replaced(view: View) -> ColumnElement[bool]:
    """Give the condition under which a row is the newest of its day within a view."""
    newer = SALES.alias("newer")
    replaced = select(newer.c.load_no).where(
        newer.c.tenant_no == _C.tenant_no,
        newer.c.series_no == _C.series_no,
        newer.c.sale_date == _C.sale_date,
        newer.c.load_no > _C.load_no,
        newer.c.load_no <= view.number,
        newer.c.load_no.not_in(view.hidden),
    )
    return ~replaced.exists()
