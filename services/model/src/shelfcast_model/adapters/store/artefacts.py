"""Stored forecasters: checked against their digests, loaded, and warmed up off the event loop."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shelfcast_model.adapters.store.folder import artefact_path
from shelfcast_model.adapters.store.manifest import check_manifest, write_manifest
from shelfcast_model.errors import ArtefactDamaged, ModelUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shelfcast_servicekit.executor import BlockingExecutor

    from shelfcast_model.adapters.store.folder import ArtefactFolders
    from shelfcast_model.domain.stored_model import StoredModel
    from shelfcast_model.ports import FittedForecaster, Forecaster


class StoredArtefacts:
    """Loads stored forecasters, each on the thread that will run it."""

    def __init__(
        self,
        folders: ArtefactFolders,
        forecaster: Callable[[str], Forecaster],
        executor_of: Callable[[str], BlockingExecutor],
    ) -> None:
        """Forecaster gives an installed forecaster by name; executor_of the thread that runs it."""
        self._folders = folders
        self._forecaster = forecaster
        self._executor_of = executor_of

    async def load(self, model: StoredModel) -> FittedForecaster:
        """Give a stored forecaster, checked and warmed up. Raises: ArtefactDamaged."""
        return await self._executor_of(model.forecaster).run(self._load, model)

    async def problem_of(self, model: StoredModel) -> str:
        """Say why the files of a model cannot be used; empty when they can."""
        try:
            await self._executor_of("").run(self._checked, model)
        except ArtefactDamaged as error:
            return f"its file {error.metadata['file']} is damaged or missing"
        return ""

    def _checked(self, model: StoredModel) -> Path:
        folder = self._folders.local(model.artefact_path)
        check_manifest(folder, model.digest)
        return folder

    def _load(self, model: StoredModel) -> FittedForecaster:
        folder = self._checked(model)
        try:
            fitted = self._forecaster(model.forecaster).load(folder)
            fitted.warm_up()
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ModelUnknown) as error:
            # The bytes are those that were written, but this release cannot read them.
            raise ArtefactDamaged(file=model.artefact_path) from error
        return fitted


class LocalVault:
    """Stores and opens forecasters on the calling thread: what a training job needs."""

    def __init__(self, folders: ArtefactFolders, forecaster: Callable[[str], Forecaster]) -> None:
        """Forecaster gives an installed forecaster by name."""
        self._folders = folders
        self._forecaster = forecaster

    def put(
        self, fitted: FittedForecaster, place: tuple[str, str], facts: Mapping[str, object]
    ) -> tuple[str, str]:
        """Store a fitted forecaster at (tenant, model version); give its path and its manifest's digest."""
        path = artefact_path(*place, fitted.name)
        with tempfile.TemporaryDirectory(prefix="shelfcast-artefact-") as name:
            folder = Path(name)
            fitted.save(folder)
            digest = write_manifest(folder, {"forecaster": fitted.name, **facts})
            self._folders.put(folder, path)
        return path, digest

    def open(self, model: StoredModel) -> FittedForecaster:
        """Give a stored forecaster. Raises: ArtefactDamaged."""
        folder = self._folders.local(model.artefact_path)
        check_manifest(folder, model.digest)
        return self._forecaster(model.forecaster).load(folder)
