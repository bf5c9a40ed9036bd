"""The API key of a stack: the kept one if it still opens the door, else a new one."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Final

import httpx

from shelfcast_client.settings import process_environment
from shelfcast_client.stack.address import read_key, write_key
from shelfcast_client.stack.plan import StackPlan, service_command
from shelfcast_client.stack.stack import StackNotStarted

PROBE_SECONDS: Final = 10.0
KEY_PREFIX: Final = "sk_"


async def ensure_key(plan: StackPlan, tenant: str) -> str:
    """Give an API key that the running stack accepts. Raises: StackNotStarted."""
    kept = read_key(plan.data_dir)
    if kept and await _is_accepted(plan.base_url, kept):
        return kept
    secret = await create_key(plan, tenant)
    write_key(plan.data_dir, secret)
    return secret


async def create_key(plan: StackPlan, tenant: str) -> str:
    """Create an administrator's key for a tenant. Raises: StackNotStarted."""
    arguments = ("create-api-key", "--tenant", tenant, "--role", "admin", "--name", "shelfcast up")
    process = await asyncio.create_subprocess_exec(
        *service_command("data", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=process_environment() | plan.environment(),
    )
    output, complaint = await process.communicate()
    words = [word for word in output.decode().split() if word.startswith(KEY_PREFIX)]
    if process.returncode or not words:
        raise StackNotStarted(f"No API key could be made:\n{complaint.decode(errors='replace')[-2000:]}")
    return words[-1]


async def _is_accepted(base_url: str, secret: str) -> bool:
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=PROBE_SECONDS) as client:
        return (await client.get("/api/v1/me")).is_success
