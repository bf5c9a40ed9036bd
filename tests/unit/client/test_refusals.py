from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from shelfcast_client.errors import RequestRefused
from shelfcast_client.problem import Problem
from shelfcast_client.refusals import REFUSALS, ProductNotFound
from shelfcast_servicekit.status import reason_table

GENERATOR = Path(__file__).parents[3] / "libs/client/generate_refusals.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_refusals", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_module_is_as_generated(generator: ModuleType) -> None:
    assert generator.TARGET.read_text(encoding="utf-8") == generator.render()


def test_each_declared_reason_has_an_exception_with_its_status() -> None:
    declared = {entry.reason: entry.http_status for entry in reason_table().values()}

    assert {reason: kind.status for reason, kind in REFUSALS.items()} == declared


def test_a_refusal_reads_as_its_sentence_its_faults_and_its_hint() -> None:
    error = ProductNotFound(
        Problem("PRODUCT_NOT_FOUND", "There is no product oat-milk-1l.", 404, hint="List them.")
    )

    assert isinstance(error, RequestRefused)
    assert str(error) == "There is no product oat-milk-1l.\n  List them."
