"""Folders of artefacts in a local directory or at any fsspec URL, complete or not there at all."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import fsspec
from fsspec.implementations.local import LocalFileSystem

from shelfcast_model.adapters.store.manifest import NAME
from shelfcast_model.errors import ArtefactDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator


def artefact_path(tenant: str, model_version: str, forecaster: str) -> str:
    """Give the place of an artefact, relative to the store's root.

    >>> artefact_path("acme/eu", "20260501_120000", "gru")
    'models/acme%2Feu/20260501_120000/gru'
    """
    return "/".join(("models", quote(tenant, safe=""), model_version, forecaster))


class ArtefactFolders:
    """Puts whole folders into the store and fetches them; blocking."""

    def __init__(self, store_url: str) -> None:
        """Use the store at `store_url`; a remote one is mirrored into a temporary folder."""
        self._remote, self._root = fsspec.core.url_to_fs(store_url)
        self._is_local = isinstance(self._remote, LocalFileSystem)
        self._mirror: Path | None = None

    def put(self, folder: Path, path: str) -> None:
        """Store a folder under a path; nobody ever sees half of it."""
        if not self._is_local:
            self._upload(folder, path)
            return
        target = Path(self._root) / path
        if target.exists():  # a run before this one got as far, and lost its lease
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        shutil.copytree(folder, staging)
        staging.rename(target)

    def _upload(self, folder: Path, path: str) -> None:
        """Upload the manifest last: without it, the artefact does not exist."""
        files = sorted((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.name == NAME)
        for file in files:
            target = f"{self._root}/{path}/{file.relative_to(folder).as_posix()}"
            self._remote.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._remote.put_file(str(file), target)

    def local(self, path: str) -> Path:
        """Give a local folder that holds the artefact. Raises: ArtefactDamaged when it is missing."""
        if self._is_local:
            folder = Path(self._root) / path
            if not folder.is_dir():
                raise ArtefactDamaged(file=NAME)
            return folder
        return self._fetch(path)

    def _fetch(self, path: str) -> Path:
        if self._mirror is None:
            self._mirror = Path(tempfile.mkdtemp(prefix="shelfcast-models-"))
        folder = self._mirror / path
        for name in self._names(path):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            self._remote.get_file(f"{self._root}/{path}/{name}", str(target))
        return folder

    def _names(self, path: str) -> Iterator[str]:
        place = f"{self._root}/{path}"
        try:
            found = self._remote.find(place)
        except FileNotFoundError:
            found = []
        if not found:
            raise ArtefactDamaged(file=NAME)
        start = len(self._remote._strip_protocol(place)) + 1  # noqa: SLF001 - fsspec's way to compare paths
        return (name[start:] for name in found)
