"""The problem body that a failed job keeps, in the form of an error reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.status import detail_of, entry_of, render

if TYPE_CHECKING:
    from shelfcast_servicekit.errors import ShelfcastError
    from shelfcast_servicekit.jobs.domain import JsonObject


def problem_of(error: ShelfcastError, trace_id: str = "") -> JsonObject:
    """Give the problem body of an error: type, title, status, detail, code, hint, trace_id, errors."""
    entry = entry_of(error.reason)
    body: dict[str, object] = {
        "type": f"/docs/errors#{entry.reason}",
        "title": entry.title,
        "status": entry.http_status,
        "detail": detail_of(error),
        "code": entry.reason,
        "hint": render(entry.hint, error.metadata),
        "trace_id": trace_id,
    }
    if error.violations:
        body["errors"] = [{"pointer": v.pointer, "detail": v.detail} for v in error.violations[:100]]
    return body
