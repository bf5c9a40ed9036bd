"""Start the monitoring service: `python -m shelfcast_monitoring [serve|migrate]`."""

from __future__ import annotations

import argparse

from shelfcast_servicekit import event_loop

from shelfcast_monitoring.settings import MonitoringSettings


def main() -> None:
    """Read the command line and the environment, and do as they say."""
    parser = argparse.ArgumentParser(
        prog="shelfcast_monitoring", description="OTLP receiver, trace search, health board."
    )
    parser.add_argument("command", nargs="?", choices=["serve", "migrate"], default="serve")
    command = parser.parse_args().command
    settings = MonitoringSettings.load()
    if command == "migrate":
        _migrate(settings)
        return
    if settings.mode == "embedded":
        _migrate(settings)
    _serve(settings)


def _migrate(settings: MonitoringSettings) -> None:
    """Bring the tables to the newest revision."""
    from shelfcast_servicekit.migrate import upgrade  # noqa: PLC0415 - 10 MB that a serving process never uses

    upgrade(settings.database_url, "shelfcast_monitoring:migrations", "monitoring_alembic_version")


def _serve(settings: MonitoringSettings) -> None:
    from shelfcast_monitoring.bootstrap import run  # noqa: PLC0415 - migrating needs none of it

    event_loop.run(run(settings))


if __name__ == "__main__":
    main()
