"""The client over REST: files and frames in, frames out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx
import pandas as pd

from shelfcast_client.frames import forecast_frame, forecast_from_json
from shelfcast_client.job import Job, Progress, job_from_json
from shelfcast_client.report import ImportReport, report_from_json
from shelfcast_client.request import ForecastOptions, TrainOptions
from shelfcast_client.rest import Call, Reply, RestTransport
from shelfcast_client.retry import RetryPolicy
from shelfcast_client.trace import Trace, trace_from_json
from shelfcast_client.upload import ImportOptions, upload_of
from shelfcast_client.wait import DAY_SECONDS, wait_for

PAGE_SIZE: Final = 1000


class ShelfcastClient:
    """Talks to one gateway over REST as one principal; use it as an async context manager.

    Every method raises RequestRefused (the subclass is the declared reason) or ServiceUnreachable, after the
    retries of the policy.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_seconds: float = 60.0,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet. transport: how bytes travel; `None` is the network."""
        headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout_seconds, transport=transport
        )
        self._rest = RestTransport(self._http, retries)

    async def __aenter__(self) -> Self:
        """Give the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def import_sales(
        self,
        sales: pd.DataFrame | Path | str,
        options: ImportOptions = ImportOptions(),  # noqa: B008 - frozen
    ) -> Job:
        """Hand in a frame or a file: CSV, JSON, Parquet or XLSX. Raises: FileNotFoundError."""
        upload = upload_of(sales)
        query = {
            "file_name": upload.file_name,
            "dry_run": options.is_dry_run or None,
            "shop_id": options.shop_id,
            "same_day": options.same_day,
            "mapping_name": options.mapping_name,
            "pipeline": options.pipeline,
            "mapping": json.dumps(dict(options.mapping)) if options.mapping else None,
        }
        call = Call(
            "POST",
            "/api/v1/imports",
            query,
            stream=upload.chunks,
            headers={"Content-Type": "application/octet-stream"},
        )
        return job_from_json((await self._rest.send(call)).body)

    async def fetch_import(self, url: str, options: ImportOptions = ImportOptions()) -> Job:  # noqa: B008 - frozen
        """Hand in the URL of a file, which the service fetches from a host on the operator's list.

        Raises: UrlRefused, when the host is not on it.
        """
        body: dict[str, object] = {
            "url": url,
            "dry_run": options.is_dry_run,
            "mapping": dict(options.mapping),
            "mapping_name": options.mapping_name or "",
            "pipeline": options.pipeline or "",
        }
        told = {"shop_id": options.shop_id, "same_day": options.same_day}
        body |= {name: value for name, value in told.items() if value is not None}
        return job_from_json((await self._rest.send(Call("POST", "/api/v1/imports:fetch", body=body))).body)

    async def import_report(self, import_id: str) -> ImportReport:
        """Tell what became of the rows of an import; its id is that of its job."""
        reply = await self._rest.send(Call("GET", f"/api/v1/imports/{_segment(import_id)}"))
        return report_from_json(reply.body)

    async def save_rejects(self, import_id: str, target: Path | str) -> Path:
        """Save the refused rows of an import as a CSV file that can be mended and sent again.

        Raises: RejectFileAbsent when there are none.
        """
        path = Path(target)
        await self._rest.download(Call("GET", rejects_path(import_id)), path)
        return path

    async def export(
        self,
        name: str,
        target: Path | str,
        *,
        shop_id: str | None = None,
        product_id: str | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> Path:
        """Save a whole list as CSV, XLSX or Parquet; the target's ending chooses.

        name: `sales`, `products`, or another list. start, end: first and last day of sales.
        Raises: ExportNotFound, ExportFilterUnknown, ExportTooLong.
        """
        path = Path(target)
        query = {
            "shop_id": shop_id,
            "product_id": product_id,
            "start": None if start is None else start.isoformat(),
            "end": None if end is None else end.isoformat(),
        }
        file = f"{_segment(name)}{_segment(path.suffix.lower())}"
        await self._rest.download(Call("GET", f"/api/v1/exports/{file}", query), path)
        return path

    async def train(self, options: TrainOptions = TrainOptions()) -> Job:  # noqa: B008 - a frozen value
        """Start a training on the newest data."""
        named = {
            "shop_ids": list(options.shop_ids),
            "product_ids": list(options.product_ids),
            "models": list(options.models),
            "promote": options.promote,
            "seed": options.seed,
        }
        body = {name: value for name, value in named.items() if value not in (None, [])}
        return job_from_json(
            (await self._rest.send(Call("POST", "/api/v1/forecast/retrain", body=body))).body
        )

    async def forecast(
        self,
        product_id: str,
        shop_id: str | None = None,
        horizon: int = 14,
        options: ForecastOptions = ForecastOptions(),  # noqa: B008 - a frozen value
    ) -> pd.DataFrame:
        """Forecast one series: a row a day.

        `frame.attrs` holds `trace_id` and `cache_status` of the reply.
        """
        query = {"shop_id": shop_id, "horizon": horizon, **_options_query(options)}
        reply = await self._rest.send(Call("GET", f"/api/v1/forecast/{_segment(product_id)}", query))
        frame = forecast_frame([forecast_from_json(reply.body)])
        frame.attrs.update(trace_id=reply.trace_id, cache_status=reply.headers.get("cache-status", ""))
        return frame

    async def forecast_batch(
        self,
        product_ids: Sequence[str] = (),
        shop_ids: Sequence[str] = (),
        horizon: int = 14,
        options: ForecastOptions = ForecastOptions(),  # noqa: B008 - a frozen value
    ) -> pd.DataFrame:
        """Forecast many series, all pages: a row a series and day; nothing named means all series."""
        body: dict[str, object] = {"horizon": horizon, "page_size": PAGE_SIZE, **_options_query(options)}
        body |= {"product_ids": list(product_ids), "shop_ids": list(shop_ids)}
        forecasts, token = [], ""
        while True:
            page = {**body, "page_token": token} if token else body
            reply = await self._rest.send(Call("POST", "/api/v1/forecast/batch", body=page))
            forecasts += [forecast_from_json(row) for row in _rows(reply, "forecasts")]
            token = str(reply.body.get("next_page_token") or "")
            if not token:
                return forecast_frame(forecasts)

    async def sales_history(
        self, product_id: str | None = None, shop_id: str | None = None, row_limit: int = PAGE_SIZE
    ) -> pd.DataFrame:
        """Read stored sales by day, at most `row_limit` rows, ordered by shop, product and date."""
        query: dict[str, str | int | None] = {"product_id": product_id, "shop_id": shop_id}
        rows: list[dict[str, object]] = []
        token = ""
        while len(rows) < row_limit:
            page = {"page_size": min(row_limit - len(rows), PAGE_SIZE), "page_token": token or None}
            reply = await self._rest.send(Call("GET", "/api/v1/sales/history", {**query, **page}))
            rows += _rows(reply, "sales")
            token = str(reply.body.get("next_page_token") or "")
            if not token:
                break
        return pd.DataFrame(rows)

    async def models(self) -> pd.DataFrame:
        """List the newest models: a row a model, its figures in columns of their own."""
        reply = await self._rest.send(Call("GET", "/api/v1/models", {"page_size": PAGE_SIZE}))
        return pd.json_normalize([dict(row) for row in _rows(reply, "models")])

    async def job(self, job_id: str) -> Job:
        """Read one job."""
        return job_from_json((await self._rest.send(Call("GET", f"/api/v1/jobs/{_segment(job_id)}"))).body)

    async def cancel(self, job_id: str) -> Job:
        """Ask a job to stop; it does at its next checkpoint."""
        call = Call("POST", f"/api/v1/jobs/{_segment(job_id)}:cancel", body={})
        return job_from_json((await self._rest.send(call)).body)

    async def wait(
        self, job: Job, on_progress: Progress | None = None, timeout_seconds: float = DAY_SECONDS
    ) -> Job:
        """Give the job when it is completed. Raises: JobFailed, JobCancelled, WaitExpired."""
        return await wait_for(job, self.job, on_progress, timeout_seconds)

    async def trace(self, trace_id: str) -> Trace:
        """Read what became of one request, step by step; it arrives a few seconds after the request."""
        return trace_from_json(
            (await self._rest.send(Call("GET", f"/api/v1/traces/{_segment(trace_id)}"))).body
        )

    async def health_board(self) -> pd.DataFrame:
        """Show the health of every service: a row a service."""
        reply = await self._rest.send(Call("GET", "/api/v1/health-board"))
        return pd.DataFrame([dict(row) for row in _rows(reply, "entries")])


def rejects_path(import_id: str) -> str:
    """Give the path under which the refused rows of an import can be had."""
    return f"/api/v1/imports/{_segment(import_id)}/rejects.csv"


def _segment(value: str) -> str:
    return quote(value, safe="")


def _options_query(options: ForecastOptions) -> dict[str, str | float | list[float] | None]:
    named: dict[str, str | float | list[float] | None] = {
        "confidence_interval": options.confidence_interval,
        "quantiles": list(options.quantiles),
        "model": options.model,
        "as_of": options.as_of,
    }
    return {name: value for name, value in named.items() if value not in (None, [])}


def _rows(reply: Reply, name: str) -> list[dict[str, object]]:
    rows = reply.body.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
