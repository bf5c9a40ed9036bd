"""The Dockerfiles say what the code does: ports, folders, health checks, imports."""

from __future__ import annotations

import ast
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from shelfcast_data.settings import DataSettings
from shelfcast_gateway.entrypoints.site import PAGES
from shelfcast_gateway.settings import GatewaySettings
from shelfcast_model.settings import ModelSettings
from shelfcast_monitoring.settings import MonitoringSettings
from shelfcast_planning.settings import PlanningSettings
from shelfcast_servicekit.settings import ServiceSettings, variable_name

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Service:
    """A deployable: its folder, package and settings."""

    folder: str
    package: str
    settings: type[ServiceSettings]

    @property
    def port(self) -> int:
        return int(self.settings.model_fields["port"].default)

    @property
    def dockerfile(self) -> str:
        return (ROOT / "services" / self.folder / "Dockerfile").read_text(encoding="utf-8")

    @property
    def instructions(self) -> list[tuple[str, str]]:
        joined = self.dockerfile.replace("\\\n", " ")
        lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
        return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]

    def values(self, name: str) -> list[str]:
        return [value for instruction, value in self.instructions if instruction == name]

    @property
    def environment(self) -> dict[str, str]:
        pairs = " ".join(self.values("ENV")).split()
        return dict(pair.split("=", 1) for pair in pairs)


SERVICES = [
    Service("api-gateway", "shelfcast_gateway", GatewaySettings),
    Service("data", "shelfcast_data", DataSettings),
    Service("model", "shelfcast_model", ModelSettings),
    Service("planning", "shelfcast_planning", PlanningSettings),
    Service("monitoring", "shelfcast_monitoring", MonitoringSettings),
]
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)


def test_every_service_has_an_image() -> None:
    folders = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}

    assert folders == {service.folder for service in SERVICES}


@every_service
def test_an_image_is_built_in_stages_and_runs_as_nobody(service: Service) -> None:
    stages = service.values("FROM")

    assert len(stages) == 2
    assert stages[0].endswith("AS libraries")
    assert service.values("USER") == ["10001:10001"]
    names = [name for name, _ in service.instructions]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in {"RUN", "COPY"})


@every_service
def test_only_pinned_and_hashed_libraries_are_installed(service: Service) -> None:
    installs = [value for value in service.values("RUN") if "pip install" in value]

    assert len(installs) == 1
    assert "--require-hashes -r /requirements.lock" in installs[0]
    assert f"requirements/{service.folder}.lock /requirements.lock" in service.values("COPY")
    assert "--hash=sha256:" in (ROOT / "requirements" / f"{service.folder}.lock").read_text(encoding="utf-8")
    assert not re.search(r"index-url|https?://(?!127\.0\.0\.1)", service.dockerfile)


@every_service
def test_what_is_copied_is_there(service: Service) -> None:
    for value in service.values("COPY"):
        if not value.startswith("--from"):
            *sources, _ = value.split()
            assert all((ROOT / source).exists() for source in sources)
            assert all(_is_let_in(source) for source in sources)


def _is_let_in(source: str) -> bool:
    """Say whether .dockerignore, a list of exceptions, lets a path into the build."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.removeprefix("!") for line in lines if line.startswith("!")]
    return any(Path(source).match(pattern) for pattern in patterns)


@every_service
def test_the_code_imports_only_packages_that_are_copied(service: Service) -> None:
    sources = next(value for value in service.values("COPY") if "/opt/shelfcast" in value).split()[:-1]
    there = {path.name.removesuffix(".py") for source in sources for path in (ROOT / source).iterdir()}
    folders = [ROOT / source for source in sources if not source.startswith("libs/protos")]

    imported = {name for folder in folders for file in folder.rglob("*.py") for name in _own_imports(file)}

    assert imported <= there
    assert service.package in there


def _own_imports(file: Path) -> set[str]:
    return {top for top in _imports(file) if _is_own(top)}


def _is_own(top: str) -> bool:
    return top.startswith("shelfcast") or top == "buf"


def _imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@every_service
def test_the_port_and_folder_are_the_codes_own(service: Service) -> None:
    environment = service.environment
    known = {variable_name(service.settings, field) for field in service.settings.model_fields}

    assert {name for name in environment if name.startswith("SHELFCAST_")} <= known
    assert environment["SHELFCAST_PORT"] == str(service.port)
    assert service.values("EXPOSE")[0].split()[0] == str(service.port)
    assert environment["SHELFCAST_DATA_DIR"] in service.values("VOLUME")


def test_the_monitoring_image_shows_the_receivers_port() -> None:
    monitoring = SERVICES[-1]
    default = MonitoringSettings.model_fields["otlp_port"].default

    assert monitoring.values("EXPOSE") == [f"{monitoring.port} {default}"]


@every_service
def test_the_health_check_asks_the_served_port(service: Service) -> None:
    [check] = service.values("HEALTHCHECK")
    command = json.loads(check[check.index("[") :])

    assert command[:3] == ["python", "-m", "shelfcast_servicekit.healthcheck"]
    target = command[3]
    if service.folder == "api-gateway":
        base, path = target[: target.rindex("/")], target[target.rindex("/") :]
        assert base == f"http://127.0.0.1:{service.port}"
        assert path in PAGES
    else:
        assert target == f"127.0.0.1:{service.port}"


@every_service
def test_the_entry_is_the_packages_command(service: Service) -> None:
    assert json.loads(service.values("ENTRYPOINT")[0]) == ["python", "-m", service.package]
    assert json.loads(service.values("CMD")[0]) == ["serve"]
    assert (
        '"serve"'
        in (ROOT / "services" / service.folder / "src" / service.package / "__main__.py").read_text()
    )


def test_the_images_run_the_python_that_the_locks_are_for() -> None:
    versions = {
        match for service in SERVICES for match in re.findall(r"FROM python:([\d.]+)", service.dockerfile)
    }

    assert versions == {"3.11"}
    assert sys.version_info >= (3, 11)


# Distributions whose import has another name.
DISTRIBUTIONS = {
    "google": "protobuf",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "grpc_status": "grpcio-status",
    "jwt": "pyjwt",
    "opentelemetry": "opentelemetry-api",
    "prometheus_client": "prometheus-client",
    "pydantic_settings": "pydantic-settings",
    "python_multipart": "python-multipart",
    "tensorflow": "tensorflow-cpu",
}


@every_service
def test_every_imported_library_is_in_the_lock(service: Service) -> None:
    """The image holds what the lock names and nothing else, unlike the environment of these tests."""
    lock = (ROOT / "requirements" / f"{service.folder}.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, flags=re.MULTILINE))
    folders = [ROOT / "services" / service.folder / "src"]

    imported = {top for folder in folders for file in folder.rglob("*.py") for top in _imports(file)}
    libraries = {top for top in imported if top not in sys.stdlib_module_names and not _is_own(top)}

    assert libraries
    assert {DISTRIBUTIONS.get(name, name) for name in libraries} <= locked
