"""Since when levels of the stock ledger have been below zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select

from shelfcast_data.adapters.sql.stock_schema import MOVEMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_M = MOVEMENTS.c


def negative_since(
    connection: Connection, tenant_no: int, shop_id: str, product_ids: Sequence[str]
) -> Mapping[str, datetime]:
    """Give since when the levels of a shop's products have been below zero, for those that are.

    It is the time of the first movement after the last one that left 0 or more.
    """
    level, rank = (
        figure.over(partition_by=_M.product_id, order_by=(_M.occurred_at, _M.movement_no))
        for figure in (func.sum(_M.quantity), func.row_number())
    )
    mine = and_(_M.tenant_no == tenant_no, _M.shop_id == shop_id, _M.product_id.in_(product_ids))
    course = (
        select(_M.product_id, _M.occurred_at, level.label("level"), rank.label("rank_no"))
        .where(mine)
        .cte("course")
    )
    sound = func.max(case((course.c.level >= 0, course.c.rank_no), else_=0)).label("rank_no")
    last = select(course.c.product_id, sound).group_by(course.c.product_id).cte("last_sound")
    after = and_(last.c.product_id == course.c.product_id, course.c.rank_no == last.c.rank_no + 1)
    query = select(course.c.product_id, course.c.occurred_at).join(last, after)
    return {row.product_id: row.occurred_at for row in connection.execute(query)}
