"""The settings of the monitoring service."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelfcast_monitoring.settings import MonitoringSettings

SERVICES = Path(__file__).parents[3] / "services"


def test_the_receiver_listens_on_loopback_by_default() -> None:
    settings = MonitoringSettings()

    assert (settings.otlp_host, settings.otlp_port, settings.port) == ("127.0.0.1", 4317, 50054)


def test_a_receiver_beyond_loopback_needs_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELFCAST_OTLP_HOST", "0.0.0.0")

    with pytest.raises(SystemExit) as caught:
        MonitoringSettings.load()

    assert caught.value.code == 2
    assert "SHELFCAST_OTLP_TOKEN is required" in capsys.readouterr().err


def test_the_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFCAST_OTLP_HOST", "0.0.0.0")
    monkeypatch.setenv("SHELFCAST_OTLP_TOKEN", "canary-7391")

    assert "canary-7391" not in repr(MonitoringSettings.load())
