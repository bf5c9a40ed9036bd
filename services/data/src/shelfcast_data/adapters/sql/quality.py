"""Checks of data quality in SQL: findings that are opened and resolved, and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, func, insert, null, select, true, update

from shelfcast_data.adapters.sql.negative_stock import negative_since
from shelfcast_data.adapters.sql.quality_schema import CHECKS, FINDINGS
from shelfcast_data.adapters.sql.quality_scores import check_of, shop_scores, source_scores
from shelfcast_data.adapters.sql.quality_turns import CheckTurnRows
from shelfcast_data.adapters.sql.schema import IMPORTS, JOBS
from shelfcast_data.adapters.sql.statement import insert_or_change
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.quality import JOB_KIND, Finding, KeptFinding, QualityCheck, Rule, Severity
from shelfcast_data.domain.quality_source import source_book, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from shelfcast_data.domain.quality import FindingQuery, QualityReport, ShopScore, SourceScore
    from shelfcast_data.domain.quality_source import SourceBook

_F, _C = FINDINGS.c, CHECKS.c
_KEY: Final = ("tenant_no", "shop_id", "product_id", "rule", "start_date")
_CHANGED: Final = ("end_date", "severity", "day_count", "measured", "usual", "check_no", "last_seen_at")
_ROWS_AT_ONCE: Final = 500


class QualityRows:
    """The checks of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._tenant_no = TenantRows(connection).number(tenant) or 0
        self._shops = shop_scores(connection, self._tenant_no)
        self._sources = source_scores(connection, self._tenant_no)

    def now(self) -> datetime:
        """Give the time of the store."""
        return self._connection.execute(select(utc_now())).scalar_one()

    def find(self, check_id: str) -> QualityCheck | None:
        """Give a check that is stored; None if there is none."""
        query = select(CHECKS).where(_C.tenant_no == self._tenant_no, _C.check_id == check_id)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else check_of(row)

    def newest(self) -> int:
        """Give the number of the newest check; 0 if there is none."""
        query = select(func.max(_C.check_no)).where(_C.tenant_no == self._tenant_no)
        return int(self._connection.execute(query).scalar_one() or 0)

    def turns(self) -> CheckTurnRows:
        """Give the queue of checks."""
        return CheckTurnRows(self._connection, self._tenant, self._tenant_no, JOB_KIND)

    def save(self, check_id: str, version_number: int, report: QualityReport) -> QualityCheck:
        """Store a check: what it found is open, what was open and is not among it is resolved."""
        mine, now = {"tenant_no": self._tenant_no}, self.now()
        facts = {"check_id": check_id, "version_number": version_number, "checked_at": now}
        self._connection.execute(insert(CHECKS).values(**mine, **facts))
        check_no = self.newest()
        numbered = mine | {"check_no": check_no}
        rows = [_finding_values(each) | numbered | _seen(now) for each in report.findings]
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            self._keep(rows[start : start + _ROWS_AT_ONCE])
        gone = and_(_F.tenant_no == self._tenant_no, _F.is_open == true(), _F.check_no != check_no)
        self._connection.execute(update(FINDINGS).where(gone).values(is_open=False, resolved_at=now))
        self._shops.add(check_no, report.shops)
        self._sources.add(check_no, report.sources)
        return QualityCheck(check_no, check_id, version_number, now)

    def _keep(self, rows: Sequence[Mapping[str, object]]) -> None:
        statement = insert_or_change(
            self._connection,
            FINDINGS,
            lambda insertion: insertion.values(list(rows)),
            lambda offered: (
                {name: offered[name] for name in _CHANGED} | {"is_open": true(), "resolved_at": null()}
            ),
            _KEY,
        )
        self._connection.execute(statement)

    def shops(self, check_no: int, limit: int, after: str | None) -> Sequence[tuple[QualityCheck, ShopScore]]:
        """Give the scores of up to `limit` shops by one check, in the order of the shops."""
        return self._shops.of_check(check_no, limit, after)

    def scores(
        self, shop_id: str, limit: int, before: int | None
    ) -> Sequence[tuple[QualityCheck, ShopScore]]:
        """Give up to `limit` scores of a shop, the newest check first, older than a check."""
        return self._shops.over_time(shop_id, limit, before)

    def sources(
        self, check_no: int, limit: int, after: str | None
    ) -> Sequence[tuple[QualityCheck, SourceScore]]:
        """Give the scores of up to `limit` sources by one check, in the order of their ids."""
        return self._sources.of_check(check_no, limit, after)

    def source_scores(
        self, source_id: str, limit: int, before: int | None
    ) -> Sequence[tuple[QualityCheck, SourceScore]]:
        """Give up to `limit` scores of a source, the newest check first, older than a check."""
        return self._sources.over_time(source_id, limit, before)

    def source_book(self) -> SourceBook:
        """Give which source has told the rows of which load."""
        query = select(IMPORTS.c.load_no, IMPORTS.c.mapping_name, JOBS.c.submitted_by).where(
            IMPORTS.c.tenant == self._tenant,
            IMPORTS.c.data_version.is_not(None),
            JOBS.c.job_id == IMPORTS.c.import_id,
        )
        rows = self._connection.execute(query)
        return source_book({load_no: source_of(name, by) for load_no, name, by in rows})

    def negative_since(self, shop_id: str, product_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Give since when the levels of a shop's products have been below zero, for those that are."""
        return negative_since(self._connection, self._tenant_no, shop_id, product_ids)

    def findings(self, wanted: FindingQuery, limit: int, before: int | None) -> Sequence[KeptFinding]:
        """Give up to `limit` findings, those found last first, found before a number."""
        query = select(FINDINGS).where(_F.tenant_no == self._tenant_no, _F.is_open == wanted.is_open)
        for name in ("shop_id", "product_id"):
            if getattr(wanted, name) is not None:
                query = query.where(_F[name] == getattr(wanted, name))
        if wanted.rule is not None:
            query = query.where(_F.rule == wanted.rule.value)
        if wanted.severity is not None:
            query = query.where(_F.severity == wanted.severity.value)
        if before is not None:
            query = query.where(_F.finding_no < before)
        rows = self._connection.execute(query.order_by(_F.finding_no.desc()).limit(limit)).mappings()
        return [_kept(row) for row in rows]


def _seen(now: datetime) -> dict[str, object]:
    return {"is_open": True, "first_seen_at": now, "last_seen_at": now, "resolved_at": None}


def _finding_values(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.value,
        "severity": finding.severity.value,
        "shop_id": finding.shop_id,
        "product_id": finding.product_id,
        "start_date": finding.start,
        "end_date": finding.end,
        "day_count": finding.day_count,
        "measured": finding.measured,
        "usual": finding.usual,
    }


def _kept(row: RowMapping) -> KeptFinding:
    finding = Finding(
        Rule(row["rule"]),
        Severity(row["severity"]),
        row["shop_id"],
        row["product_id"],
        row["start_date"],
        row["end_date"],
        row["day_count"],
        row["measured"],
        row["usual"],
    )
    return KeptFinding(
        row["finding_no"], finding, row["first_seen_at"], row["last_seen_at"], row["resolved_at"]
    )
