"""The main job, from a sales file to a forecast, each step checked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from shelfcast_client.cli.job_bar import job_bar
from shelfcast_client.cli.output import Output
from shelfcast_client.cli.phase import Phases
from shelfcast_client.cli.trace_tree import trace_tree
from shelfcast_client.client import ShelfcastClient
from shelfcast_client.refusals import DeadlineExceeded, TraceNotFound
from shelfcast_client.trace import Trace

HORIZON: Final = 14
TABLE_SERIES: Final = 3
CHAMPION_SECONDS: Final = 60.0
CHAMPION_PAUSE_SECONDS: Final = 0.3
TRACE_TRIES: Final = 40
TRACE_PAUSE_SECONDS: Final = 0.5
NAMED: Final = frozenset({"shelfcast-api-gateway", "shelfcast-model"})
"""Services that the trace of a forecast must name."""


class StepFailed(Exception):
    """A step of the main job did not do what it is for; the text says which and why."""


@dataclass(frozen=True, slots=True)
class MainJob:
    """Loads, trains, forecasts and looks at the trace of the forecast."""

    client: ShelfcastClient
    """Where the work is done."""
    output: Output
    """Where it is shown."""
    phases: Phases
    """What its steps are timed by."""

    async def run(self, sales: Path) -> str:
        """Do the whole job on a file; give the id of the forecast's trace.

        Raises: StepFailed, ShelfcastClientError.
        """
        with self.phases.step("import"):
            await self._load(sales)
        with self.phases.step("train"):
            await self._train()
        with self.phases.step("load champion"):
            series = await self._first_series()
            await self._await_champion(series)
        with self.phases.step("forecast"):
            frame = await self._forecast_series(series)
            table = await self._forecast_all()
        self.output.forecasts(table, f"Forecast of the next {HORIZON} days")
        with self.phases.step("cached forecast"):
            await self._forecast_again(series, frame)
        with self.phases.step("trace"):
            await self._show_trace(frame.attrs["trace_id"])
        return str(frame.attrs["trace_id"])

    async def _load(self, sales: Path) -> None:
        with job_bar(self.output, "Import") as show:
            job = await self.client.wait(await self.client.import_sales(sales), show)
        report = await self.client.import_report(job.job_id)
        self.output.say(
            f"{report.accepted_count:,} rows taken, {report.rejected_count:,} refused, "
            f"{report.repeated_count:,} known already"
        )
        if len(report.rejections):
            self.output.frame(report.rejections.head(5), "The first refused rows")
        _require(report.accepted_count + report.repeated_count > 0, "no row of the file could be used")

    async def _train(self) -> None:
        with job_bar(self.output, "Training") as show:
            await self.client.wait(await self.client.train(), show)
        models = await self.client.models()
        columns = [
            name for name in ("forecaster", "stage", "metrics.wape", "metrics.coverage_90") if name in models
        ]
        newest = models[models["model_version"] == models["model_version"].max()]
        self.output.frame(newest[columns], "Models and their figures on held-out days")

    async def _first_series(self) -> tuple[str, str]:
        rows = await self.client.sales_history(row_limit=1)
        _require(len(rows) == 1, "no sales are stored")
        return str(rows["product_id"][0]), str(rows["shop_id"][0])

    async def _await_champion(self, series: tuple[str, str]) -> None:
        """Wait until the model service answers with the model that was just trained."""
        deadline = asyncio.get_running_loop().time() + CHAMPION_SECONDS
        rungs: set[str] = set()
        while asyncio.get_running_loop().time() < deadline:
            with suppress(DeadlineExceeded):
                rungs = set((await self.client.forecast(*series, horizon=1))["rung"])
            if rungs == {"champion"}:
                return
            await asyncio.sleep(CHAMPION_PAUSE_SECONDS)
        raise StepFailed(f"after {CHAMPION_SECONDS:g} s forecasts still come from {sorted(rungs)}")

    async def _forecast_series(self, series: tuple[str, str]) -> pd.DataFrame:
        frame = await self.client.forecast(*series, horizon=HORIZON)
        _require(len(frame) == HORIZON, f"{len(frame)} days came instead of {HORIZON}")
        _require(bool((frame["lower_ci"] <= frame["upper_ci"]).all()), "an interval is reversed")
        _require(set(frame["rung"]) == {"champion"}, f"the forecast is from rung {set(frame['rung'])}")
        return frame

    async def _forecast_all(self) -> pd.DataFrame:
        """Give the rows to show: the series with the most expected demand."""
        frame = await self.client.forecast_batch(horizon=HORIZON)
        by_series = frame.groupby(["shop_id", "product_id"])["predicted_qty"].transform("sum")
        largest = by_series.drop_duplicates().nlargest(TABLE_SERIES)
        return frame[by_series.isin(largest)].reset_index(drop=True)

    async def _forecast_again(self, series: tuple[str, str], first: pd.DataFrame) -> None:
        again = await self.client.forecast(*series, horizon=HORIZON)
        told = str(again.attrs["cache_status"])
        self.output.say(f"The same request again, Cache-Status: {told}")
        _require(again.equals(first), "the second reply differs from the first")
        _require("hit" in told, f"the second reply did not come from the cache ({told or 'no Cache-Status'})")

    async def _show_trace(self, trace_id: str) -> None:
        trace = await arrived(self.client, trace_id)
        if not self.output.is_json:
            self.output.results.print(trace_tree(trace))
        missing = NAMED - set(trace.services)
        _require(not missing, f"the trace does not name {sorted(missing)}, only {list(trace.services)}")


async def arrived(client: ShelfcastClient, trace_id: str) -> Trace:
    """Give a trace once it holds every hop; its steps arrive some seconds after the request.

    Raises: StepFailed when nothing has arrived after 20 s.
    """
    trace = None
    for _ in range(TRACE_TRIES):
        try:
            trace = await client.trace(trace_id)
        except TraceNotFound:
            trace = None
        if trace is not None and set(trace.services) >= NAMED:
            return trace
        await asyncio.sleep(TRACE_PAUSE_SECONDS)
    if trace is None:
        raise StepFailed(f"trace {trace_id} did not arrive")
    return trace


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise StepFailed(complaint)
