"""The compose file says what the code does: settings, ports, health, secrets, time to stop."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
import yaml
from shelfcast_data.settings import DataSettings
from shelfcast_gateway.settings import GatewaySettings
from shelfcast_model.settings import ModelSettings
from shelfcast_monitoring.bootstrap import FLUSH_SECONDS
from shelfcast_monitoring.settings import MonitoringSettings
from shelfcast_planning.settings import PlanningSettings
from shelfcast_servicekit.lifecycle import GRACE_SECONDS
from shelfcast_servicekit.settings import ServiceSettings, variable_name

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
TEXT = COMPOSE.read_text(encoding="utf-8")

# The exporter of the OpenTelemetry SDK reads this variable by itself.
FOREIGN = {"OTEL_EXPORTER_OTLP_HEADERS"}
SETTINGS: dict[str, type[ServiceSettings]] = {
    "api-gateway": GatewaySettings,
    "data": DataSettings,
    "data-worker": DataSettings,
    "migrate-data": DataSettings,
    "model": ModelSettings,
    "model-worker": ModelSettings,
    "migrate-model": ModelSettings,
    "planning": PlanningSettings,
    "monitoring": MonitoringSettings,
    "migrate-monitoring": MonitoringSettings,
}
PORTS = {"data": 50051, "model": 50052, "planning": 50053, "monitoring": 50054}
STORES = {"mariadb", "valkey"}


def compose() -> dict[str, dict[str, dict[str, object]]]:
    return cast("dict[str, dict[str, dict[str, object]]]", yaml.safe_load(TEXT))


def service(name: str) -> dict[str, object]:
    return compose()["services"][name]


def environment(name: str) -> dict[str, str]:
    """Give the variables of a service, with a value for each secret."""
    raw = cast("dict[str, str]", service(name)["environment"])
    return {key: re.sub(r"\$\{\w+:\?[^}]*\}", "s" * 40, value) for key, value in raw.items()}


every_service = pytest.mark.parametrize("name", sorted(SETTINGS))


def test_every_service_of_the_house_is_there() -> None:
    folders = {path.parent.name for path in ROOT.glob("services/*/Dockerfile")}

    assert set(compose()["services"]) == set(SETTINGS) | STORES
    assert folders <= set(compose()["services"])


@every_service
def test_the_variables_are_settings_and_their_values_are_taken(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS[name]
    known = {variable_name(settings, field) for field in settings.model_fields} | FOREIGN
    everywhere = {variable_name(MonitoringSettings, field) for field in ServiceSettings.model_fields}
    for key, value in environment(name).items():
        monkeypatch.setenv(key, value)

    loaded = settings.load()

    assert set(environment(name)) <= known | everywhere
    assert loaded.mode == "full"
    assert loaded.database_url.startswith("mysql+pymysql://shelfcast:")


@every_service
def test_targets_name_services_and_their_ports(name: str) -> None:
    variables = environment(name)

    for target, port in PORTS.items():
        assert variables[f"SHELFCAST_{target.upper()}_TARGET"] == f"{target}:{port}"
        assert SETTINGS[target].model_fields["port"].default == port
    otlp = MonitoringSettings.model_fields["otlp_port"].default
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://monitoring:{otlp}"


def test_the_health_board_asks_the_gateway_where_it_is() -> None:
    port = GatewaySettings.model_fields["port"].default

    assert environment("monitoring")["SHELFCAST_GATEWAY_URL"] == f"http://api-gateway:{port}"
    assert service("api-gateway")["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_only_the_gateway_is_published() -> None:
    services = compose()["services"]

    assert [name for name, one in services.items() if "ports" in one] == ["api-gateway"]
    assert [name for name, one in services.items() if "outside" in cast("list[str]", one["networks"])] == [
        "api-gateway"
    ]
    assert compose()["networks"]["inside"] == {"internal": True}


def test_every_secret_must_be_given_and_none_is_written_down() -> None:
    secrets = {
        "SHELFCAST_INTERNAL_TOKEN_KEY",
        "SHELFCAST_OTLP_TOKEN",
        "SHELFCAST_DATABASE_PASSWORD",
        "SHELFCAST_REDIS_PASSWORD",
    }

    assert set(re.findall(r"\$\{(\w+)", TEXT)) == secrets
    assert set(re.findall(r"\$\{(\w+):\?", TEXT)) == secrets
    assert "${" not in re.sub(r"\$\{\w+:\?", "", TEXT)


@pytest.mark.parametrize("name", ["data", "model", "monitoring"])
def test_tables_are_migrated_once_before_a_service_starts(name: str) -> None:
    job = service(f"migrate-{name}")
    waits = cast("dict[str, dict[str, str]]", service(name)["depends_on"])

    assert job["command"] == ["migrate"]
    assert job["restart"] == "no"
    assert job["image"] == service(name)["image"]
    assert waits[f"migrate-{name}"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", ["data", "model"])
def test_workers_share_image_and_store_with_their_service(name: str) -> None:
    worker = service(f"{name}-worker")

    assert worker["command"] == ["worker"]
    assert worker["image"] == service(name)["image"]
    assert worker["volumes"] == service(name)["volumes"] == ["store:/var/lib/shelfcast"]
    assert environment(name)["SHELFCAST_STORE_URL"].startswith("file:///var/lib/shelfcast/")


@every_service
def test_a_service_has_time_to_finish_and_no_rights_to_spare(name: str) -> None:
    one = service(name)
    seconds = float(str(one["stop_grace_period"]).removesuffix("s"))

    assert seconds > GRACE_SECONDS + 2 * FLUSH_SECONDS
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(STORES))
def test_the_stores_say_whether_they_are_healthy(name: str) -> None:
    assert cast("dict[str, object]", service(name)["healthcheck"])["test"]


def test_the_bulk_loader_may_load_and_the_queue_forgets_nothing() -> None:
    assert "--local-infile=1" in cast("list[str]", service("mariadb")["command"])
    command = cast("list[str]", service("valkey")["command"])
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"
    assert "--requirepass" in command


def test_the_only_services_without_a_health_check_are_those_without_a_port() -> None:
    services = compose()["services"]

    without = {name for name, one in services.items() if one.get("healthcheck") == {"disable": True}}

    assert without == {name for name in services if name.endswith("-worker") or name.startswith("migrate-")}
