"""The manifest of an artefact: which files it has, and the SHA-256 of each."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import orjson

from shelfcast_model.errors import ArtefactDamaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "MANIFEST.json"
FORMAT: Final = "shelfcast-artefact/1"


def write_manifest(folder: Path, facts: Mapping[str, object]) -> str:
    """Write the manifest over all files of a folder, and give its own digest.

    facts: what the artefact came from: forecaster, version, seed, snapshot, figures.
    """
    files = {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}
    body = {"format": FORMAT, **facts, "files": files}
    content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    (folder / NAME).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def check_manifest(folder: Path, digest: str) -> None:
    """Check that a folder holds just what was written.

    digest: that of the manifest, as the registry keeps it.
    Raises: ArtefactDamaged naming the first file that is missing, changed or added.
    """
    manifest = folder / NAME
    if not manifest.is_file() or _digest(manifest) != digest:
        raise ArtefactDamaged(file=NAME)
    known = orjson.loads(manifest.read_bytes())["files"]
    for name, expected in known.items():
        path = folder / name
        if not path.is_file() or _digest(path) != expected:
            raise ArtefactDamaged(file=name)
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in known:
            raise ArtefactDamaged(file=name)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
