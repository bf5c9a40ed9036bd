"""The command `up`: the whole product on this machine, with the main job run through it if asked."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shelfcast_client.cli.main_job import MainJob, StepFailed
from shelfcast_client.cli.output import Output
from shelfcast_client.cli.phase import Phases
from shelfcast_client.client import ShelfcastClient
from shelfcast_client.settings import ClientSettings
from shelfcast_client.stack.credential import ensure_key
from shelfcast_client.stack.database import ensure_database
from shelfcast_client.stack.plan import StackPlan, plan_stack
from shelfcast_client.stack.port import choose_ports, moved
from shelfcast_client.stack.stack import running_stack


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `up` does besides starting the services."""

    sales: Path | None = None
    """File of sales to run the main job on."""
    is_demo: bool = False
    """Whether the main job is run on the demo retailer; a file wins."""
    is_once: bool = False
    """Whether to stop after that instead of staying up."""
    is_verbose: bool = False
    """Whether the logs go to the console instead of files."""


class Up:
    """One run of the command."""

    def __init__(self, settings: ClientSettings, options: UpOptions, output: Output) -> None:
        """Start nothing yet."""
        self._settings = settings
        self._options = options
        self._output = output
        self._phases = Phases()

    async def run(self) -> None:
        """Start everything, run the main job if asked, stay until Ctrl-C or SIGTERM, stop everything.

        Raises: PortTaken, DatabaseUnavailable, StackNotStarted, StepFailed, ShelfcastClientError.
        """
        ensure_database(self._settings.database_url)
        plan = self._plan()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("runs inside a task only")
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            await self._serve(plan)
        except asyncio.CancelledError:
            self._output.say("Stopped.")
            if self._options.is_once:
                raise

    def _plan(self) -> StackPlan:
        ports = choose_ports(self._settings)
        for name in moved(ports, self._settings):
            self._output.say(f"The usual port of {name} is taken; it is on {getattr(ports, name)} now.")
        return plan_stack(self._settings, ports)

    async def _serve(self, plan: StackPlan) -> None:
        started = time.monotonic()
        async with running_stack(
            plan, self._settings.ready_seconds, self._note_ready(started), is_verbose=self._options.is_verbose
        ):
            secret = await ensure_key(plan, self._settings.tenant)
            self._phases.seconds["start"] = round(time.monotonic() - started, 2)
            trace_id = await self._main_job(plan, secret)
            self._output.frame(self._phases.frame(), "Seconds")
            self._output.result(_addresses(plan, secret, trace_id))
            if not self._options.is_once:
                self._output.say("All services run. Ctrl-C stops them.")
                await asyncio.Event().wait()

    def _note_ready(self, started: float) -> Callable[[str], None]:
        def told(name: str) -> None:
            self._output.say(f"{name} is ready after {time.monotonic() - started:.1f} s")

        return told

    async def _main_job(self, plan: StackPlan, secret: str) -> str:
        """Run the main job if it is asked for; give the id of its trace, else nothing."""
        if self._options.sales is None and not self._options.is_demo:
            return ""
        with tempfile.TemporaryDirectory() as folder:
            sales = self._options.sales or await write_demo(Path(folder), self._phases)
            async with ShelfcastClient(plan.base_url, secret) as client:
                return await MainJob(client, self._output, self._phases).run(sales)


async def write_demo(folder: Path, phases: Phases) -> Path:
    """Write the demo retailer's sales into a folder. Raises: StepFailed."""
    sales = folder / "demo-sales.csv"
    with phases.step("demo retailer"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shelfcast_testing.demo", "--out", str(sales), stdout=subprocess.DEVNULL
        )
        if await process.wait():
            raise StepFailed("the demo retailer could not be written")
    return sales


def _addresses(plan: StackPlan, secret: str, trace_id: str) -> dict[str, object]:
    """Give what a person needs next; the key is shown because it is theirs alone."""
    named: dict[str, object] = {
        "api_docs": f"{plan.base_url}/docs",
        "openapi": f"{plan.base_url}/openapi.json",
        "grpc_of_the_model_service": f"127.0.0.1:{plan.ports.model}",
        "api_key": secret,
        "logs": str(plan.data_dir / "logs"),
    }
    if trace_id:
        named["trace_of_this_run"] = f"{plan.base_url}/api/v1/traces/{trace_id}"
    return named
