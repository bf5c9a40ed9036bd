"""Versions of pipelines in SQL, and what the imports that use them are told."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson
from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, insert, select, update

from shelfcast_data.adapters.sql.catalogue_schema import (
    CLOSURES,
    IMPORT_PIPELINES,
    PIPELINE_VERSIONS,
    PRODUCTS,
    SHOPS,
)
from shelfcast_data.domain.pipeline import PipelineVersion
from shelfcast_data.domain.pipeline_facts import Facts, Need, ShopFacts, facts_of
from shelfcast_data.domain.pipeline_plan import Outcome, Plan, PreviewRow
from shelfcast_data.errors import PipelineVersionNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from sqlalchemy import ColumnElement, Connection, RowMapping

    from shelfcast_data.domain.import_record import NewImport
    from shelfcast_data.domain.pipeline import PipelineFields

_V = PIPELINE_VERSIONS.c
_U = IMPORT_PIPELINES.c
_VERSION: Final = tuple(PipelineVersion.__dataclass_fields__)


class PipelineRows:
    """The versions of one tenant's pipelines within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant

    def keep(self, name: str, fields: PipelineFields) -> None:
        """Keep a new version."""
        values = {name: getattr(fields, name) for name in ("version", "digest", "steps")}
        self._connection.execute(
            insert(PIPELINE_VERSIONS).values(tenant=self._tenant, name=name, **values, created_at=utc_now())
        )

    def version(self, name: str, version: int) -> PipelineVersion:
        """Give a version. Raises: PipelineVersionNotFound."""
        query = select(PIPELINE_VERSIONS).where(*self._mine(name), _V.version == version)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise PipelineVersionNotFound(name=name[:128], version=str(version))
        return _version(row)

    def page(self, name: str, limit: int, before: int | None) -> Sequence[PipelineVersion]:
        """Give up to `limit` versions of a pipeline, newest first, older than a number."""
        query = select(PIPELINE_VERSIONS).where(*self._mine(name))
        if before is not None:
            query = query.where(_V.version < before)
        rows = self._connection.execute(query.order_by(_V.version.desc()).limit(limit)).mappings()
        return [_version(row) for row in rows]

    def _mine(self, name: str) -> tuple[ColumnElement[bool], ...]:
        return (_V.tenant == self._tenant, _V.name == name)

    def facts(self, needs: Collection[Need], shop_id: str | None) -> Facts:
        """Give what the catalogue says now of what is asked for."""
        return Facts(
            self._shops() if Need.SHOPS in needs else {},
            self._case_packs() if Need.CASE_PACKS in needs else {},
            shop_id or "",
        )

    def _shops(self) -> Mapping[str, ShopFacts]:
        run = self._connection.execute
        closures: dict[str, list[tuple[date, date]]] = {}
        live = and_(CLOSURES.c.tenant == self._tenant, CLOSURES.c.deleted_at.is_(None))
        closed = select(CLOSURES.c.shop_id, CLOSURES.c.start_date, CLOSURES.c.end_date).where(live)
        for shop, first, last in run(closed):
            closures.setdefault(shop, []).append((first, last))
        shops = select(SHOPS.c.shop_id, SHOPS.c.time_zone, SHOPS.c.opening_weekdays)
        mine = and_(SHOPS.c.tenant == self._tenant, SHOPS.c.deleted_at.is_(None))
        return {
            shop: ShopFacts(zone, tuple(map(int, weekdays)), tuple(sorted(closures.get(shop, ()))))
            for shop, zone, weekdays in run(shops.where(mine))
        }

    def _case_packs(self) -> Mapping[str, Decimal]:
        known = and_(PRODUCTS.c.tenant == self._tenant, PRODUCTS.c.deleted_at.is_(None))
        packs = select(PRODUCTS.c.product_id, PRODUCTS.c.case_pack).where(known)
        found = self._connection.execute(packs.where(PRODUCTS.c.case_pack.is_not(None)))
        return {row.product_id: row.case_pack for row in found}

    def use(self, import_id: str, facts: Facts) -> None:
        """Keep the facts that an import goes by."""
        values = {"import_id": import_id, "tenant": self._tenant, "facts": facts.to_text(), "preview": "[]"}
        self._connection.execute(insert(IMPORT_PIPELINES).values(**values))

    def plan_of(self, file: NewImport) -> Plan | None:
        """Give the plan of an import; None if it has no pipeline."""
        if file.pipeline is None:
            return None
        steps = self.version(file.pipeline.name, file.pipeline.version).steps
        facts = self._connection.execute(select(_U.facts).where(*self._used(file.import_id))).scalar_one()
        return Plan(file.pipeline, steps, facts_of(facts))

    def save_preview(self, import_id: str, rows: Sequence[PreviewRow]) -> None:
        """Keep the first rows of a dry run, before and after."""
        text = orjson.dumps([asdict(row) for row in rows]).decode()
        changed = update(IMPORT_PIPELINES).where(*self._used(import_id)).values(preview=text)
        self._connection.execute(changed)

    def preview(self, import_id: str) -> tuple[PreviewRow, ...]:
        """Give the first rows of a dry run; none of another import."""
        text = self._connection.execute(select(_U.preview).where(*self._used(import_id))).scalar() or "[]"
        return tuple(
            PreviewRow(row["row"], Outcome(row["outcome"]), row["sent"], row["prepared"])
            for row in orjson.loads(text)
        )

    def _used(self, import_id: str) -> tuple[ColumnElement[bool], ...]:
        return (_U.import_id == import_id, _U.tenant == self._tenant)


def _version(row: RowMapping) -> PipelineVersion:
    return PipelineVersion(**{name: row[name] for name in _VERSION})
