from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shelfcast_model.adapters.sql.registry import SqlRegistryTx
from shelfcast_model.adapters.sql.schema import DECISIONS, METADATA
from shelfcast_model.domain.stored_model import ModelMetrics, Stage, StoredModel
from shelfcast_model.errors import ModelNotFound
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.migrate import upgrade
from shelfcast_servicekit.transact import Transactor
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import OperationalError

NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, UTC)
SERVER = os.environ.get("SHELFCAST_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/")  # noqa: TID251


@pytest.fixture(scope="module")
def mysql_url() -> Iterator[str]:
    server = create_engine(SERVER)
    name = f"shelfcast_model_test_{uuid.uuid4().hex[:12]}"
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    except OperationalError:
        if os.environ.get("SHELFCAST_REQUIRE_SERVICES"):  # noqa: TID251
            raise
        pytest.skip("no MariaDB or MySQL answers")
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Transactor[SqlRegistryTx]]:
    path: Path = tmp_path_factory.mktemp("registry") / "model.sqlite"
    url = f"sqlite:///{path}" if request.param == "sqlite" else request.getfixturevalue("mysql_url")
    upgrade(url, "shelfcast_model:migrations", "model_alembic_version")
    engine = create_service_engine(url, traced=False)
    yield Transactor(engine, None, SqlRegistryTx)
    engine.dispose()


def trained(tenant: str, forecaster: str = "gru", minutes: int = 0) -> StoredModel:
    at = NOON + timedelta(minutes=minutes)
    return StoredModel(
        model_id=str(uuid.uuid4()),
        tenant=tenant,
        forecaster=forecaster,
        model_version=at.strftime("%Y%m%d_%H%M%S"),
        stage=Stage.CHALLENGER,
        snapshot_id="snap-1",
        data_version="dv-3",
        seed=1,
        series_count=500,
        fit_seconds=12.5,
        metrics=ModelMetrics(0.11, 0.08, None, -0.01, {"coverage_90": "HISTORY_TOO_SHORT"}),
        artefact_path=f"models/{tenant}/x",
        digest="0" * 64,
        decision="Not promoted: gru was chosen.",
        job_id=str(uuid.uuid4()),
        trained_at=at,
    )


def add_all(registry: Transactor[SqlRegistryTx], *models: StoredModel) -> None:
    def work(tx: SqlRegistryTx) -> None:
        for model in models:
            tx.add(model, "job")

    registry.transact_sync(work)


def new_tenant() -> str:
    return f"t-{uuid.uuid4().hex[:8]}"


def test_a_model_comes_back_as_it_was_stored(registry: Transactor[SqlRegistryTx]) -> None:
    model = trained(new_tenant())

    add_all(registry, model)

    assert registry.read_sync(lambda tx: tx.model(model.tenant, model.model_id)) == model


def test_a_model_of_another_tenant_is_not_found(registry: Transactor[SqlRegistryTx]) -> None:
    model = trained(new_tenant())
    add_all(registry, model)

    with pytest.raises(ModelNotFound):
        registry.read_sync(lambda tx: tx.model(model.tenant.upper(), model.model_id))


def test_pages_run_from_the_newest_without_gap_or_double(registry: Transactor[SqlRegistryTx]) -> None:
    tenant = new_tenant()
    models = [trained(tenant, name, minutes) for minutes in (0, 1) for name in ("gru", "factor", "lightgbm")]
    add_all(registry, *models)

    first = registry.read_sync(lambda tx: tx.models(tenant, 4))
    rest = registry.read_sync(lambda tx: tx.models(tenant, 4, (first[-1].trained_at, first[-1].model_id)))

    assert len(first) == 4
    assert {m.model_id for m in first + rest} == {m.model_id for m in models}
    assert [m.trained_at for m in first + rest] == sorted((m.trained_at for m in models), reverse=True)


def test_a_crowned_model_retires_the_former_and_each_step_is_recorded(
    registry: Transactor[SqlRegistryTx],
) -> None:
    tenant = new_tenant()
    old, new = trained(tenant), trained(tenant, minutes=5)
    add_all(registry, old, new)
    assert registry.read_sync(lambda tx: tx.champion(tenant)) is None

    registry.transact_sync(lambda tx: tx.crown(replace(old, decision="First."), "job", NOON))
    registry.transact_sync(lambda tx: tx.crown(replace(new, decision="Better."), "ann", NOON))
    registry.transact_sync(lambda tx: tx.crown(replace(new, decision="Again."), "ann", NOON))

    champion = registry.read_sync(lambda tx: tx.champion(tenant))
    assert champion == replace(new, stage=Stage.CHAMPION, decision="Better.")
    assert registry.read_sync(lambda tx: tx.model(tenant, old.model_id)).stage is Stage.RETIRED
    assert registry.read_sync(lambda tx: tx.champions())[tenant] == champion
    decisions = registry.read_sync(
        lambda tx: (
            tx.connection.execute(
                select(DECISIONS.c.decision)
                .where(DECISIONS.c.tenant == tenant)
                .order_by(DECISIONS.c.decision_id)
            )
            .scalars()
            .all()
        )
    )
    assert list(decisions)[2:] == ["First.", "Better."]


def test_newest_versions_and_forecasters_are_told(registry: Transactor[SqlRegistryTx]) -> None:
    tenant = new_tenant()
    models = [trained(tenant, "gru"), trained(tenant, "gru", 3), trained(tenant, "factor")]
    add_all(registry, *models)

    assert registry.read_sync(lambda tx: tx.newest(tenant, "gru")) == models[1]
    assert registry.read_sync(lambda tx: tx.newest(tenant, "lightgbm")) is None
    assert registry.read_sync(lambda tx: tx.forecasters(tenant)) == ["factor", "gru"]
    assert registry.read_sync(lambda tx: tx.version_exists(tenant, "20260501_120000"))
    assert not registry.read_sync(lambda tx: tx.version_exists(tenant, "20260501_120001"))


def test_the_migration_makes_what_the_code_reads(registry: Transactor[SqlRegistryTx]) -> None:
    def read(tx: SqlRegistryTx) -> None:
        for table in METADATA.sorted_tables:
            tx.connection.execute(select(table).limit(1)).all()

    registry.read_sync(read)
