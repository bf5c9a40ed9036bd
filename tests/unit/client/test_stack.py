from __future__ import annotations

import configparser
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from shelfcast_client.settings import ClientSettings
from shelfcast_client.stack.address import (
    forget_address,
    key_path,
    read_address,
    read_key,
    write_address,
    write_key,
)
from shelfcast_client.stack.database import mysql_address
from shelfcast_client.stack.plan import StackPlan, plan_stack
from shelfcast_client.stack.port import NAMES, Ports, PortTaken, choose_ports, moved
from shelfcast_client.stack.program import Program, render_configuration, tied

PORTS = Ports(gateway=8000, data=50051, model=50052, planning=50053, monitoring=50054, otlp=4317, valkey=6400)
FREE = {f"{name}_port": 0 for name in NAMES}


def plan(folder: Path, **changes: str) -> StackPlan:
    return StackPlan(folder, PORTS, changes.get("database_url", ""), changes.get("redis_url", ""))


def test_each_service_gets_a_port_of_its_own() -> None:
    ports = choose_ports(ClientSettings.model_validate(FREE))

    assert len({getattr(ports, name) for name in NAMES}) == len(NAMES)


def test_a_taken_usual_port_is_replaced_and_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        class Busy(ClientSettings):
            gateway_port: int = port

        settings = Busy.model_validate({name: 0 for name in FREE if name != "gateway_port"})

        ports = choose_ports(settings)

    assert ports.gateway != port
    assert list(moved(ports, settings)) == ["gateway"]


def test_a_taken_port_that_was_set_on_purpose_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ClientSettings.model_validate(FREE | {"model_port": taken.getsockname()[1]})

        with pytest.raises(PortTaken, match="SHELFCAST_MODEL_PORT"):
            choose_ports(settings)


def test_the_configuration_restarts_what_dies_and_stops_services_together(tmp_path: Path) -> None:
    text = render_configuration(plan(tmp_path).programs(), tmp_path, is_verbose=False)

    parser = configparser.RawConfigParser()
    parser.read_string(text)
    programs = [name.removeprefix("program:") for name in parser.sections() if name.startswith("program:")]
    together = parser["group:shelfcast"]["programs"].split(",")
    assert set(programs) - set(together) == {"valkey"}
    assert {"gateway", "data", "data-worker", "model", "model-worker", "planning", "monitoring"} == set(
        together
    )
    assert {parser[f"program:{name}"]["autorestart"] for name in programs} == {"true"}
    assert int(parser["program:valkey"]["priority"]) < int(parser["group:shelfcast"]["priority"])


def test_a_percent_sign_in_a_path_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "50% off"
    program = Program("till", ["/bin/till", "--dir", str(folder)], {"TILL": "a%b"})

    text = render_configuration([program], folder, is_verbose=False)

    parser = configparser.RawConfigParser()
    parser.read_string(text)
    section = parser["program:till"]
    assert shlex.split(section["command"].replace("%%", "%"))[-2:] == ["--dir", str(folder)]
    assert section["environment"] == 'TILL="a%%b"'


def test_a_given_redis_replaces_the_embedded_one(tmp_path: Path) -> None:
    chosen = plan(tmp_path, redis_url="redis://cache:6379/3")

    assert "valkey" not in {program.name for program in chosen.programs()}
    assert chosen.environment()["SHELFCAST_REDIS_URL"] == "redis://cache:6379/3"


def test_a_given_database_reaches_the_services(tmp_path: Path) -> None:
    url = "mysql+pymysql://root@127.0.0.1:3306/shelfcast"

    assert plan(tmp_path, database_url=url).environment()["SHELFCAST_DATABASE_URL"] == url
    assert "SHELFCAST_DATABASE_URL" not in plan(tmp_path).environment()


def test_the_plan_follows_the_settings(tmp_path: Path) -> None:
    chosen = plan_stack(ClientSettings(data_dir=tmp_path, mode="full"), PORTS)

    assert chosen.is_full
    assert chosen.base_url == "http://127.0.0.1:8000"
    assert chosen.broker_url == "redis://127.0.0.1:6400/0"


def test_the_key_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    write_key(tmp_path, "sk_first")
    write_key(tmp_path, "sk_second")

    assert read_key(tmp_path) == "sk_second"
    assert key_path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_no_stack_has_no_address_and_no_key(tmp_path: Path) -> None:
    assert read_address(tmp_path) == {}
    assert read_key(tmp_path) == ""


def test_the_address_of_a_stack_is_noted_and_forgotten(tmp_path: Path) -> None:
    write_address(plan(tmp_path))
    assert read_address(tmp_path)["url"] == "http://127.0.0.1:8000"

    forget_address(tmp_path)
    assert read_address(tmp_path) == {}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///shop.sqlite", None),
        ("mysql+pymysql://root@127.0.0.1:3306/shelfcast", ("127.0.0.1", 3306, "root", "", "shelfcast")),
        ("mariadb://till:p%40ss@db/shop?charset=utf8mb4", ("db", 3306, "till", "p@ss", "shop")),
    ],
)
def test_a_database_url_is_read(url: str, expected: tuple[str, int, str, str, str] | None) -> None:
    address = mysql_address(url)

    if expected is None:
        assert address is None
    else:
        assert address is not None
        found = (address.host, address.port, address.user, address.password, address.database)
        assert found == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_a_tied_program_ends_with_its_killed_parent() -> None:
    child = tied(["/bin/sleep", "60"])
    script = f"import subprocess, sys; p = subprocess.Popen({child!r}); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        sleeper = psutil.Process(int(parent.stdout.readline()))
        _await_name(sleeper, "sleep")

        parent.send_signal(signal.SIGKILL)

        _, alive = psutil.wait_procs([sleeper], timeout=5)
    assert alive == []


def _await_name(process: psutil.Process, name: str) -> None:
    for _ in range(200):
        if process.name() == name:
            return
        time.sleep(0.02)
    raise AssertionError(f"still {process.name()}")
