"""The parts of the READMEs that are written from the code: `python -m shelfcast_testing.readme`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings
from shelfcast_client.settings import ClientSettings
from shelfcast_data.settings import DataSettings
from shelfcast_gateway.settings import GatewaySettings
from shelfcast_model.settings import ModelSettings
from shelfcast_monitoring.settings import MonitoringSettings
from shelfcast_planning.settings import PlanningSettings
from shelfcast_servicekit.settings import ServiceSettings, settings_table, variable_name

ROOT: Final = Path(__file__).resolve().parents[4]
HEAD: Final = "| variable | default | meaning |\n| --- | --- | --- |\n"
HOLDS: Final = {True: "yes", False: "**no**", None: ""}
SERVICES: Final[dict[str, tuple[str, type[ServiceSettings]]]] = {
    "Gateway": ("api-gateway", GatewaySettings),
    "Data service": ("data", DataSettings),
    "Model service": ("model", ModelSettings),
    "Planning service": ("planning", PlanningSettings),
    "Monitoring service": ("monitoring", MonitoringSettings),
}
"""Title in the README, folder under `services/`, and settings of each service."""


def settings_tables() -> str:
    """Give the settings of the command and of all services, each once."""
    shared = set(ServiceSettings.model_fields) - {"port"}
    parts = [
        _table("The command `shelfcast`", ClientSettings, set()),
        _table("All services", ServiceSettings, {"port"}),
        *(_table(title, settings, shared) for title, (_, settings) in SERVICES.items()),
    ]
    return "\n".join(parts)


def benchmark_table() -> str:
    """Give every figure that the benchmark commands have measured."""
    rows = [
        "| benchmark | figure | measured | reference | bar | holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for path in sorted((ROOT / "benchmarks/results").glob("*.json")):
        for figure in json.loads(path.read_text(encoding="utf-8")):
            cells = (
                path.stem,
                figure["figure"],
                _measured(figure),
                _number(figure["reference"]),
                figure["bar"],
            )
            rows.append(f"| {' | '.join(map(str, cells))} | {HOLDS[figure['holds']]} |")
    return "\n".join(rows) + "\n"


def settings_parts() -> dict[Path, str]:
    """Give the settings by the README that shows them: all in the root's, its own in each service's."""
    own = {
        ROOT / "services" / folder / "README.md": settings_table(each) for folder, each in SERVICES.values()
    }
    return {ROOT / "README.md": settings_tables()} | own


def with_settings(text: str, part: str) -> str:
    """Give a README with the given settings between the comments that name them."""
    return _between(text, "settings", part)


def with_figures(text: str) -> str:
    """Give the README with the figures as last measured."""
    return _between(text, "benchmarks", benchmark_table())


def _between(text: str, name: str, part: str) -> str:
    """Put a part between the two comments that name it."""
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    return place.sub(lambda found: f"{found[1]}{part}{found[2]}", text)


def _table(title: str, settings: type[BaseSettings], left_out: set[str]) -> str:
    rows = "".join(_rows(settings, left_out))
    return f"**{title}**\n\n{HEAD}{rows}"


def _rows(settings: type[BaseSettings], left_out: set[str]) -> Iterator[str]:
    for name, info in settings.model_fields.items():
        if name not in left_out:
            meaning = " ".join((info.description or "").split())
            default = _default(info.get_default(call_default_factory=True))
            yield f"| `{_variable(settings, name)}` | {default} | {meaning} |\n"


def _variable(settings: type[BaseSettings], name: str) -> str:
    if issubclass(settings, ServiceSettings):
        return variable_name(settings, name)
    return f"SHELFCAST_{name.upper()}"


def _default(value: object) -> str:
    if value is None or value in ("", (), {}) or isinstance(value, SecretStr):
        return ""
    return f"`{value}`"


def _measured(figure: dict[str, object]) -> str:
    ratio = figure.get("ratio")
    times = f" ({_number(ratio)} x)" if ratio is not None else ""
    return f"{_number(figure['value'])} {figure['unit']}{times}"


def _number(value: object) -> str:
    return (
        ""
        if value is None
        else f"{value:,.3g}"
        if isinstance(value, float) and value < 1000
        else f"{value:,.0f}"
    )


def write() -> None:
    """Write all generated parts anew."""
    for path, part in settings_parts().items():
        text = with_figures(with_settings(path.read_text(encoding="utf-8"), part))
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
