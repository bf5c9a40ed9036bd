"""What became of the rows of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

REJECTION_COLUMNS = ("row", "pointer", "value", "rule", "detail")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Rows taken, refused and repeated by one import."""

    import_id: str
    """Id of the import."""
    status: str
    """pending, processing, completed, failed or cancelled."""
    accepted_count: int
    """Rows taken."""
    rejected_count: int
    """Rows refused."""
    repeated_count: int
    """Rows that were stored already and changed nothing."""
    data_version: str | None
    """Data version that the import made; `None` if it changed nothing."""
    repeated_import_id: str | None
    """Earlier import of the same bytes; `None` if the file is new."""
    rejections: pd.DataFrame
    """The first refused rows: row, pointer, value, rule, detail."""
    filtered_count: int = 0
    """Rows that the filters of a pipeline have left out; they are neither taken nor refused."""


def report_from_json(body: Mapping[str, object]) -> ImportReport:
    """Read the report from the body of an import."""
    inner = body.get("report")
    rows: Mapping[str, object] = inner if isinstance(inner, Mapping) else {}
    prepared = body.get("pipeline")
    pipeline: Mapping[str, object] = prepared if isinstance(prepared, Mapping) else {}
    return ImportReport(
        import_id=str(body["import_id"]),
        status=str(body["status"]),
        accepted_count=_count(rows, "accepted_count"),
        rejected_count=_count(rows, "rejected_count"),
        repeated_count=_count(rows, "repeated_count"),
        data_version=_text_or_none(body.get("data_version")),
        repeated_import_id=_text_or_none(body.get("repeated_import_id")),
        rejections=_rejections(rows.get("rejections")),
        filtered_count=_count(pipeline, "filtered_count"),
    )


def _rejections(value: object) -> pd.DataFrame:
    rows = value if isinstance(value, list) else []
    return pd.DataFrame(rows, columns=list(REJECTION_COLUMNS))


def _count(rows: Mapping[str, object], name: str) -> int:
    return int(float(str(rows.get(name) or 0)))


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
