"""Settings: defaults, every fault named, secrets kept."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from shelfcast_servicekit.secret_file import read_or_create_secret
from shelfcast_servicekit.settings import ServiceSettings, settings_table, variable_name


class DataSettings(ServiceSettings):
    """Settings of a service under test."""

    service_name = "data"
    port: int = 50051
    """Port that the service listens on."""
    chunk_rows: int = 10_000
    """Rows per transaction."""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DataSettings.model_fields:
        monkeypatch.delenv(variable_name(DataSettings, name), raising=False)


def test_nothing_needs_to_be_set_in_embedded_mode(tmp_path: Path) -> None:
    settings = DataSettings(data_dir=tmp_path)

    assert settings.database_url == f"sqlite:///{tmp_path}/data.sqlite"
    assert settings.store_url == f"file://{tmp_path}/store"
    assert (settings.port, settings.mode) == (50051, "embedded")


def test_variables_are_read_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFCAST_DATABASE_URL", "mysql+pymysql://root@db/shelfcast")
    monkeypatch.setenv("SHELFCAST_CHUNK_ROWS", "500")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")

    settings = DataSettings.load()

    assert settings.database_url == "mysql+pymysql://root@db/shelfcast"
    assert settings.chunk_rows == 500
    assert settings.otel_exporter_otlp_endpoint == "http://collector:4317"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        DataSettings().port = 1


def test_every_wrong_variable_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELFCAST_PORT", "many")
    monkeypatch.setenv("SHELFCAST_MODE", "half")
    monkeypatch.setenv("SHELFCAST_TRACE_SAMPLE_RATIO", "2")

    with pytest.raises(SystemExit) as caught:
        DataSettings.load()

    told = capsys.readouterr().err
    assert caught.value.code == 2
    for name in ("SHELFCAST_PORT", "SHELFCAST_MODE", "SHELFCAST_TRACE_SAMPLE_RATIO"):
        assert name in told


@pytest.mark.parametrize(("mode", "key"), [("full", None), ("embedded", "short")])
def test_a_missing_or_short_key_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, key: str | None
) -> None:
    monkeypatch.setenv("SHELFCAST_MODE", mode)
    if key is not None:
        monkeypatch.setenv("SHELFCAST_INTERNAL_TOKEN_KEY", key)

    with pytest.raises(SystemExit):
        DataSettings.load()

    told = capsys.readouterr().err
    assert "SHELFCAST_INTERNAL_TOKEN_KEY" in told
    assert key is None or key not in told.replace("SHELFCAST", "")


def test_a_given_key_is_used_and_never_shown() -> None:
    settings = DataSettings(internal_token_key=SecretStr("k" * 40))

    assert settings.token_key() == b"k" * 40
    assert "kkkk" not in repr(settings)


def test_services_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "internal_token_key"

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: read_or_create_secret(path), range(16)))

    assert len(keys) == 1
    assert len(keys.pop()) >= 48
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["internal_token_key"]


def test_the_table_names_every_variable_with_its_meaning() -> None:
    table = settings_table(DataSettings)

    assert "| `SHELFCAST_CHUNK_ROWS` | `10000` | Rows per transaction. |" in table
    assert "`OTEL_EXPORTER_OTLP_ENDPOINT`" in table
    assert table.count("\n") == len(DataSettings.model_fields) + 2


@pytest.mark.parametrize("name", sorted(ServiceSettings.model_fields))
def test_every_field_is_described(name: str) -> None:
    assert ServiceSettings.model_fields[name].description
