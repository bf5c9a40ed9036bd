"""A running stack: started, watched until it serves, and stopped whole."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from shelfcast_client.settings import process_environment
from shelfcast_client.stack.address import forget_address, write_address
from shelfcast_client.stack.plan import MIGRATED, StackPlan, service_command
from shelfcast_client.stack.program import STOP_SECONDS, render_configuration, tied
from shelfcast_client.stack.readiness import wait_until_ready

LOG_TAIL_LINES: Final = 12

Told = Callable[[str], None]
"""What is told about each step, in a few words."""


class StackNotStarted(Exception):
    """The stack does not serve; the text says which part and what its log says."""


@asynccontextmanager
async def running_stack(
    plan: StackPlan, ready_seconds: float, told: Told, *, is_verbose: bool = False
) -> AsyncIterator[None]:
    """Start a stack, wait until all of it serves, and stop it whole at the end.

    Raises: StackNotStarted.
    """
    logs = plan.data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (plan.data_dir / "valkey").mkdir(exist_ok=True)
    if plan.is_full:
        await migrate(plan, logs)
    supervisor = _start_supervisor(plan, logs, is_verbose)
    try:
        late = await wait_until_ready(plan, ready_seconds, told)
        if late:
            raise StackNotStarted(_complaint(late, logs))
        write_address(plan)
        yield
    finally:
        forget_address(plan.data_dir)
        await _stop(supervisor)


async def migrate(plan: StackPlan, logs: Path) -> None:
    """Bring every service's tables up to date, all at once. Raises: StackNotStarted."""
    failed = await asyncio.gather(*(_migrate_one(plan, name, logs) for name in MIGRATED))
    names = [name for name in failed if name]
    if names:
        raise StackNotStarted(_complaint([f"{name}-migrate" for name in names], logs))


async def _migrate_one(plan: StackPlan, name: str, logs: Path) -> str:
    """Migrate one service; give its name if that failed."""
    with (logs / f"{name}-migrate.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *service_command(name, "migrate"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=process_environment() | plan.environment(),
        )
        return name if await process.wait() else ""


def _start_supervisor(plan: StackPlan, logs: Path, is_verbose: bool) -> subprocess.Popen[bytes]:
    """Start supervisord in a session of its own, so that Ctrl-C reaches only us, and tied to this process."""
    configuration = plan.data_dir / "run" / "supervisord.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(render_configuration(plan.programs(), logs, is_verbose), encoding="utf-8")
    return subprocess.Popen(  # noqa: S603 - our own interpreter and configuration
        tied([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]),
        stdin=subprocess.DEVNULL,
        stdout=None if is_verbose else subprocess.DEVNULL,
        stderr=None if is_verbose else subprocess.DEVNULL,
        env=process_environment() | plan.environment(),
        start_new_session=True,
    )


async def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    """Ask supervisord to stop everything and wait for it; it kills what does not end in time."""
    supervisor.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(supervisor.wait, 3 * STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()


def _complaint(names: Sequence[str] | frozenset[str], logs: Path) -> str:
    """Name the parts that do not serve, with the end of each one's log."""
    parts = [f"Not ready: {', '.join(sorted(names))}."]
    for name in sorted(names):
        path = logs / f"{name}.log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        parts += [f"--- {path}", *lines[-LOG_TAIL_LINES:]]
    return "\n".join(parts)
