"""Tenants as the store numbers them, and the counter of their loads and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, update

from shelfcast_data.adapters.sql.schema import TENANTS
from shelfcast_data.adapters.sql.statement import insert_new

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ADVANCE: Final = (
    update(TENANTS)
    .where(TENANTS.c.tenant == bindparam("its_name"))
    .values(last_number=TENANTS.c.last_number + 1)
)


class TenantRows:
    """The tenants within one transaction; a tenant is there from its first write on."""

    def __init__(self, connection: Connection) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection

    def number(self, tenant: str) -> int | None:
        """Give the number of a tenant; None if it has never written."""
        query = select(TENANTS.c.tenant_no).where(TENANTS.c.tenant == tenant)
        return self._connection.execute(query).scalar_one_or_none()

    def ensured(self, tenant: str) -> int:
        """Give the number of a tenant, which is made if needed."""
        known = self.number(tenant)
        if known is not None:
            return known
        self._connection.execute(insert_new(TENANTS).values(tenant=tenant, last_number=0))
        query = select(TENANTS.c.tenant_no).where(TENANTS.c.tenant == tenant)
        return int(self._connection.execute(query.with_for_update()).scalar_one())

    def next_number(self, tenant_no: int) -> int:
        """Give the next number of a load or version; others wait for it until the commit."""
        mine = TENANTS.c.tenant_no == tenant_no
        self._connection.execute(update(TENANTS).where(mine).values(last_number=TENANTS.c.last_number + 1))
        return self.last_number(tenant_no)

    def advance(self, tenant: str) -> bool:
        """Give out the next number of a tenant, kept until the commit; say whether there is such a tenant."""
        return self._connection.execute(_ADVANCE, {"its_name": tenant}).rowcount > 0

    def last_number(self, tenant_no: int) -> int:
        """Give the number that was given out last."""
        query = select(TENANTS.c.last_number).where(TENANTS.c.tenant_no == tenant_no)
        return int(self._connection.execute(query).scalar_one())

    def lock(self, tenant_no: int) -> None:
        """Let nobody else publish for this tenant until the commit."""
        mine = TENANTS.c.tenant_no == tenant_no
        self._connection.execute(update(TENANTS).where(mine).values(last_number=TENANTS.c.last_number))
