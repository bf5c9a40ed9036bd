from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from shelfcast_client.settings import process_environment
from shelfcast_testing.gateway_stack import Stack
from shelfcast_testing.redis_process import free_port
from shelfcast_testing.servicers import ADMIN_KEY


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


async def shelfcast(*arguments: str, folder: Path, **variables: str) -> Ended:
    """Run the command in a process of its own, as a user does."""
    inherited = {name: value for name, value in process_environment().items() if "SHELFCAST" not in name}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shelfcast_client.cli", *arguments),
        env={**inherited, "SHELFCAST_DATA_DIR": str(folder), **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def test_a_forecast_is_json_for_machines(stack: Stack, tmp_path: Path) -> None:
    ended = await shelfcast(
        *("forecast", "oat-milk-1l", "--shop", "berlin-mitte", "--horizon", "2", "--json"),
        folder=tmp_path,
        SHELFCAST_URL=stack.base_url,
        SHELFCAST_API_KEY=ADMIN_KEY,
    )

    assert ended.code == 0, ended.err
    assert [row["predicted_qty"] for row in json.loads(ended.out)] == [4.5, 4.5]


async def test_a_forecast_is_a_table_for_people(stack: Stack, tmp_path: Path) -> None:
    ended = await shelfcast(
        *("forecast", "oat-milk-1l", "--shop", "berlin-mitte", "--horizon", "2"),
        *("--url", stack.base_url, "--api-key", ADMIN_KEY),
        folder=tmp_path,
    )

    assert ended.code == 0, ended.err
    assert {"expected", "low", "high", "champion", "Fri 2026-01-02"} <= set(
        re.split(r"\s*[│┃]\s*", ended.out)
    )


async def test_a_refusal_has_its_own_exit_code_and_reason(stack: Stack, tmp_path: Path) -> None:
    ended = await shelfcast(
        *("forecast", "unknown", "--shop", "berlin-mitte", "--json"),
        *("--url", stack.base_url, "--api-key", ADMIN_KEY),
        folder=tmp_path,
    )

    assert ended.code == 4
    assert json.loads(ended.out)["error"] == "SERIES_NOT_FOUND"


async def test_nobody_at_the_address_is_exit_code_3(tmp_path: Path) -> None:
    ended = await shelfcast(
        *("train", "--url", f"http://127.0.0.1:{free_port()}", "--api-key", "sk_x"), folder=tmp_path
    )

    assert ended.code == 3
    assert "does not answer" in ended.err


async def test_without_an_address_the_remedy_is_told(tmp_path: Path) -> None:
    ended = await shelfcast("forecast", "oat-milk-1l", folder=tmp_path)

    assert ended.code == 2
    assert "shelfcast up" in ended.err.replace("\n", " ")


async def test_a_missing_file_is_named(stack: Stack, tmp_path: Path) -> None:
    ended = await shelfcast(
        *("import", "nowhere.csv", "--url", stack.base_url, "--api-key", ADMIN_KEY), folder=tmp_path
    )

    assert ended.code == 2
    assert "nowhere.csv" in ended.err


@pytest.mark.parametrize("arguments", [("up", "--data", "nowhere.csv"), ("up", "--moon")])
async def test_a_misused_option_starts_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = await shelfcast(*arguments, folder=tmp_path)

    assert ended.code == 2
    assert not (tmp_path / "logs").exists()


async def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    ended = await shelfcast("doctor", folder=tmp_path, SHELFCAST_GATEWAY_PORT="eighty")

    assert ended.code == 2
    assert "SHELFCAST_GATEWAY_PORT" in ended.err


async def test_the_doctor_names_what_is_wrong_and_the_remedy(tmp_path: Path) -> None:
    port = free_port()
    ended = await shelfcast(
        *("doctor", "--json"),
        folder=tmp_path,
        SHELFCAST_REDIS_URL=f"redis://127.0.0.1:{port}/0",
        SHELFCAST_DATABASE_URL=f"mysql+pymysql://root@127.0.0.1:{port}/shelfcast",
    )

    found = {row["subject"]: row for row in json.loads(ended.out)}
    assert ended.code == 1
    assert found["redis"]["state"] == found["database"]["state"] == "wrong"
    assert "SHELFCAST_REDIS_URL" in found["redis"]["remedy"]
    assert found["python"]["state"] == "fine"


async def test_the_doctor_is_content_with_a_bare_machine(tmp_path: Path) -> None:
    ended = await shelfcast("doctor", folder=tmp_path)

    assert ended.code == 0, ended.out
    assert "shelfcast up" in ended.out
