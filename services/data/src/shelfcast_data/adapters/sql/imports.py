"""Imports and their refused rows in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from shelfcast_servicekit.jobs.domain import JobStatus
from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    union_all,
    update,
)

from shelfcast_data.adapters.sql.archives import ArchiveRows
from shelfcast_data.adapters.sql.catalogue_schema import PRODUCTS, SHOPS
from shelfcast_data.adapters.sql.schema import (
    IMPORT_REJECTS,
    IMPORTS,
    JOBS,
    SALES,
    SERIES,
    STAGED_SALES,
)
from shelfcast_data.adapters.sql.statement import insert_new
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.adapters.sql.turns import take_turn
from shelfcast_data.domain.import_record import Counts, ImportProgress, ImportRecord, NewImport
from shelfcast_data.domain.pipeline_plan import PipelineReference
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table

    from shelfcast_data.ports.sales import Pair

_C = IMPORTS.c
_R = IMPORT_REJECTS.c
_FILE = tuple(name for name in NewImport.__dataclass_fields__ if name != "pipeline")
_PIPELINE = {name: f"pipeline_{name}" for name in PipelineReference.__dataclass_fields__}
_MAPPINGS = ("asked_mapping", "mapping")
_PROGRESS = (
    "done_offset",
    "done_row",
    "accepted_count",
    "rejected_count",
    "repeated_count",
    "filtered_count",
    "closed_count",
    "reject_bytes",
)
_DELETED_AT_ONCE = 20_000

Position = tuple[int, int]
"""Row and fault after which a page of refusals begins."""

_KNOWN: Final = union_all(
    *(
        select(literal(place), column).where(
            column.table.c.tenant == bindparam("tenant"), column.in_(bindparam(name, expanding=True))
        )
        for place, (name, column) in enumerate(
            (("shops", SHOPS.c.shop_id), ("products", PRODUCTS.c.product_id))
        )
    )
)
"""(0, a shop that there is) and (1, a product that there is), deleted or not."""


class ImportRows:
    """The imports of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant

    def add(self, file: NewImport) -> None:
        """Store an import that waits for its job."""
        values = {name: getattr(file, name) for name in _FILE}
        for name in _MAPPINGS:
            values[name] = orjson.dumps(values[name]).decode()
        values["same_day"] = file.same_day.value
        if file.pipeline is not None:
            values |= {column: getattr(file.pipeline, name) for name, column in _PIPELINE.items()}
        zero = dict.fromkeys(_PROGRESS, 0)
        row = values | zero | {"tenant": self._tenant, "is_reject_file_cut": False}
        self._connection.execute(insert(IMPORTS).values(**row, created_at=utc_now()))

    def get(self, import_id: str, rejections: int = 0) -> ImportRecord:
        """Give an import with its first refusals. Raises: ImportNotFound."""
        query = self._joined().where(_C.import_id == import_id)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise ImportNotFound(import_id=import_id[:64])
        return _record(row, self._first_rejections(import_id, rejections))

    def _joined(self) -> Select[tuple[object, ...]]:
        joined = IMPORTS.join(JOBS, JOBS.c.job_id == _C.import_id)
        query = select(IMPORTS, JOBS.c.status, JOBS.c.completed_at.label("ended_at")).select_from(joined)
        return query.where(_C.tenant == self._tenant)

    def _first_rejections(self, import_id: str, limit: int) -> tuple[Rejection, ...]:
        return tuple(each for _, each in self.rejections(import_id, limit, None)) if limit else ()

    def page(self, limit: int, after: tuple[datetime, str] | None) -> Sequence[ImportRecord]:
        """Give up to `limit` imports, newest first, after a position."""
        query = self._joined()
        if after is not None:
            same_time = and_(_C.created_at == after[0], _C.import_id < after[1])
            query = query.where(or_(_C.created_at < after[0], same_time))
        query = query.order_by(_C.created_at.desc(), _C.import_id.desc()).limit(limit)
        return [_record(row, ()) for row in self._connection.execute(query).mappings()]

    def rejections(
        self, import_id: str, limit: int, after: Position | None
    ) -> Sequence[tuple[Position, Rejection]]:
        """Give up to `limit` refusals in the order of the file, after a position."""
        query = select(IMPORT_REJECTS).where(_R.import_id == import_id, _R.tenant == self._tenant)
        if after is not None:
            query = query.where(
                or_(_R.row_no > after[0], and_(_R.row_no == after[0], _R.fault_no > after[1]))
            )
        rows = self._connection.execute(query.order_by(_R.row_no, _R.fault_no).limit(limit)).mappings()
        return [
            ((row["row_no"], row["fault_no"]), Rejection(*(row[name] for name in _REJECTION))) for row in rows
        ]

    def of_versions(self, numbers: Collection[int]) -> Mapping[int, NewImport]:
        """Give the imports that have made data versions, by the number of the version."""
        query = select(IMPORTS).where(_C.tenant == self._tenant, _C.data_version.in_(numbers))
        return {row["data_version"]: _file(row) for row in self._connection.execute(query).mappings()}

    def earlier(self, record: ImportRecord) -> ImportRecord | None:
        """Give the first completed import of the same bytes, read the same way; None if there is none.

        An undone import does not count, nor one that may have relied on rows which were undone since.
        """
        file = record.file
        same = and_(_C.digest == file.digest, _C.is_dry_run.is_(False), _C.repeated_import_id.is_(None))
        query = self._joined().where(same, JOBS.c.status == JobStatus.COMPLETED.value)
        query = query.where(_C.import_id != file.import_id, _C.undone_at.is_(None)).order_by(_C.created_at)
        for row in self._connection.execute(query).mappings():
            other = _record(row, ())
            if other.file.is_read_like(file) and self._stands_alone(other):
                return other
        return None

    def _stands_alone(self, record: ImportRecord) -> bool:
        """Say whether all rows of an import are still there: its own ones, or those that it repeated."""
        if not record.progress.counts.repeated:
            return True
        last = select(func.max(_C.undone_at)).where(_C.tenant == self._tenant)
        undone_at = self._connection.execute(last).scalar_one()
        return undone_at is None or undone_at < record.created_at

    def take_turn(self, import_id: str) -> bool:
        """Take the turn among the imports of the tenant; say whether it was to be had."""
        return take_turn(self._connection, TenantRows(self._connection).ensured(self._tenant), import_id)

    def any_published_after(self, number: int) -> bool:
        """Say whether an import has made a version after a number was given out."""
        query = select(_C.import_id).where(_C.tenant == self._tenant, _C.data_version > number)
        return self._connection.execute(query.limit(1)).first() is not None

    def undo(self, import_id: str, number: int) -> None:
        """Store that a version has undone an import."""
        values = {"undone_number": number, "undone_at": utc_now()}
        mine = and_(*self._mine(import_id), _C.undone_number.is_(None))
        self._connection.execute(update(IMPORTS).where(mine).values(**values))

    def save_progress(self, import_id: str, progress: ImportProgress) -> None:
        """Store how far an import has come."""
        values = {
            "load_no": progress.load_no,
            "done_offset": progress.offset,
            "done_row": progress.row,
            "accepted_count": progress.counts.accepted,
            "rejected_count": progress.counts.rejected,
            "repeated_count": progress.counts.repeated,
            "filtered_count": progress.counts.filtered,
            "closed_count": progress.counts.closed,
            "reject_bytes": progress.reject_bytes,
            "is_reject_file_cut": progress.is_reject_file_cut,
        }
        self._connection.execute(update(IMPORTS).where(*self._mine(import_id)).values(**values))

    def _mine(self, import_id: str) -> tuple[ColumnElement[bool], ...]:
        return (_C.import_id == import_id, _C.tenant == self._tenant)

    def add_rejections(self, import_id: str, rejections: Sequence[Rejection]) -> None:
        """Store refusals."""
        rows: list[dict[str, object]] = []
        last, fault_no = 0, 0
        for each in rejections:
            fault_no = fault_no + 1 if each.row == last else 0
            last = each.row
            values = {"column_name": each.column[:300], "value": each.value, "rule": each.rule}
            ids = {"import_id": import_id, "tenant": self._tenant, "row_no": each.row, "fault_no": fault_no}
            rows.append(ids | values)
        if rows:
            self._connection.execute(insert(IMPORT_REJECTS), rows)

    def end(self, import_id: str, data_version: int | None, repeated_import_id: str | None = None) -> None:
        """Store what came out."""
        values = {"data_version": data_version, "repeated_import_id": repeated_import_id}
        changed = update(IMPORTS).where(*self._mine(import_id))
        self._connection.execute(changed.values(**values, completed_at=utc_now()))

    def complete_catalogue(self, tenant_no: int, load_no: int) -> None:
        """Create the shops and products that a load tells of and the catalogue does not know."""
        told = select(SALES.c.series_no).where(SALES.c.tenant_no == tenant_no, SALES.c.load_no == load_no)
        mine = and_(SERIES.c.tenant_no == tenant_no, SERIES.c.series_no.in_(told))
        for table, name in ((SHOPS, "shop_id"), (PRODUCTS, "product_id")):
            known = exists().where(table.c.tenant == self._tenant, table.c[name] == SERIES.c[name])
            wanted = select(SERIES.c[name]).where(mine, ~known).distinct()
            self._create(table, name, set(self._connection.execute(wanted).scalars()))

    def complete_pairs(self, pairs: Collection[Pair]) -> None:
        """Create the shops and products of some series that the catalogue does not know."""
        shops, products = ({pair[place] for pair in pairs} for place in (0, 1))
        wanted = {"tenant": self._tenant, "shops": sorted(shops), "products": sorted(products)}
        for is_product, known in self._connection.execute(_KNOWN, wanted):
            (products if is_product else shops).discard(known)
        self._create(SHOPS, "shop_id", shops)
        self._create(PRODUCTS, "product_id", products)

    def _create(self, table: Table, name: str, ids: set[str]) -> None:
        if ids:
            entry = self._new_entry(table.name)
            self._connection.execute(insert_new(table), [{**entry, name: each} for each in sorted(ids)])

    def _new_entry(self, table: str) -> dict[str, object]:
        now = self._connection.execute(select(utc_now())).scalar_one()
        stamp = {"created_at": now, "updated_at": now, "revision": 1}
        filling = {"unit": ""} if table == PRODUCTS.name else {"time_zone": ""}
        return {"tenant": self._tenant, "name": "", **filling, **stamp}

    def drop_rows(self, tenant_no: int, load_no: int) -> bool:
        """Delete some rows of a load that nobody has seen, staged or stored; say whether more are left."""
        return any(self._drop_some(table, tenant_no, load_no) for table in (STAGED_SALES, SALES))

    def _drop_some(self, table: Table, tenant_no: int, load_no: int) -> bool:
        if self._connection.dialect.name == "sqlite":
            mine = and_(table.c.tenant_no == tenant_no, table.c.load_no == load_no)
            self._connection.execute(delete(table).where(mine))
            return False
        condition = f"tenant_no = :t AND load_no = :l LIMIT {_DELETED_AT_ONCE}"
        limited = f"DELETE FROM {table.name} WHERE {condition}"  # noqa: S608 - own names
        done = self._connection.execute(text(limited), {"t": tenant_no, "l": load_no}).rowcount
        return done >= _DELETED_AT_ONCE

    def loaded_rows(self, tenant_no: int, load_no: int) -> int:
        """Give how many rows a load has stored."""
        mine = and_(SALES.c.tenant_no == tenant_no, SALES.c.load_no == load_no)
        return int(self._connection.execute(select(func.count()).select_from(SALES).where(mine)).scalar_one())

    def forget_load(self, import_id: str, tenant_no: int, load_no: int, *, keep_report: bool) -> None:
        """Let an import be as if it had loaded nothing; the rows are gone already.

        keep_report: whether counts and refusals stay (dry run), so that only the rows are forgotten.
        """
        self._drop_series(import_id, tenant_no, load_no)
        if keep_report:
            self._connection.execute(update(IMPORTS).where(*self._mine(import_id)).values(load_no=None))
            return
        self.save_progress(import_id, ImportProgress())
        self._connection.execute(delete(IMPORT_REJECTS).where(_R.import_id == import_id))

    def _drop_series(self, import_id: str, tenant_no: int, load_no: int) -> None:
        """Delete the series that a load has brought, unless another load may be about to use them."""
        TenantRows(self._connection).lock(tenant_no)  # no load is opened until the commit
        mine, others = _C.tenant == self._tenant, _C.import_id != import_id
        under_way = select(_C.import_id).where(
            mine, others, _C.load_no.is_not(None), _C.completed_at.is_(None)
        )
        if self._connection.execute(under_way.limit(1)).first() is not None:
            return
        if ArchiveRows(self._connection, tenant_no).before() is not None:
            return  # rows that use them may be in files
        used = exists().where(SALES.c.tenant_no == tenant_no, SALES.c.series_no == SERIES.c.series_no)
        brought = and_(SERIES.c.tenant_no == tenant_no, SERIES.c.first_load_no == load_no)
        self._connection.execute(delete(SERIES).where(brought, ~used))


_REJECTION = ("row_no", "column_name", "value", "rule")


def _file(row: RowMapping) -> NewImport:
    values = {name: row[name] for name in _FILE}
    for name in _MAPPINGS:
        values[name] = orjson.loads(values[name])
    values["same_day"] = SameDay(values["same_day"])
    if row["pipeline_name"] is not None:
        values["pipeline"] = PipelineReference(**{name: row[column] for name, column in _PIPELINE.items()})
    return NewImport(**values)


def _record(row: RowMapping, rejections: tuple[Rejection, ...]) -> ImportRecord:
    counts = Counts(*(row[f"{name}_count"] for name in Counts.__dataclass_fields__))
    progress = ImportProgress(
        row["load_no"],
        row["done_offset"],
        row["done_row"],
        counts,
        row["reject_bytes"],
        row["is_reject_file_cut"],
    )
    return ImportRecord(
        file=_file(row),
        status=row["status"],
        progress=progress,
        data_version=row["data_version"],
        repeated_import_id=row["repeated_import_id"],
        created_at=row["created_at"],
        completed_at=row["ended_at"],
        undone_number=row["undone_number"],
        undone_at=row["undone_at"],
        is_loaded=row["completed_at"] is not None,
        rejections=rejections,
    )
