from __future__ import annotations

from pathlib import Path

import pytest
from shelfcast_model.adapters.store.folder import ArtefactFolders
from shelfcast_model.adapters.store.manifest import NAME, check_manifest, write_manifest
from shelfcast_model.errors import ArtefactDamaged


def artefact(folder: Path) -> str:
    (folder / "tables").mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(b"\x00" * 64)
    (folder / "tables" / "season.json").write_text("{}")
    return write_manifest(folder, {"forecaster": "gru", "seed": 1})


def test_what_was_written_is_let_through(tmp_path: Path) -> None:
    digest = artefact(tmp_path)

    check_manifest(tmp_path, digest)

    assert len(digest) == 64


@pytest.mark.parametrize("harm", ["flip", "cut", "missing", "added", "manifest", "no manifest"])
def test_any_harm_is_seen_and_named(tmp_path: Path, harm: str) -> None:
    digest = artefact(tmp_path)
    weights = tmp_path / "weights.safetensors"
    match harm:
        case "flip":
            weights.write_bytes(b"\x01" + weights.read_bytes()[1:])
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-1])
        case "missing":
            (tmp_path / "tables" / "season.json").unlink()
        case "added":
            (tmp_path / "extra.py").write_text("print('hello')")
        case "manifest":
            (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes() + b" ")
        case _:
            (tmp_path / NAME).unlink()

    with pytest.raises(ArtefactDamaged) as caught:
        check_manifest(tmp_path, digest)

    assert caught.value.metadata["file"] in {NAME, "weights.safetensors", "tables/season.json", "extra.py"}


@pytest.mark.parametrize("url", ["file", "memory"])
def test_a_folder_comes_back_whole_from_a_local_and_a_remote_store(tmp_path: Path, url: str) -> None:
    folders = ArtefactFolders((tmp_path / "store").as_uri() if url == "file" else f"memory://{tmp_path.name}")
    digest = artefact(tmp_path / "fresh")

    folders.put(tmp_path / "fresh", "models/acme/1/gru")
    folders.put(tmp_path / "fresh", "models/acme/1/gru")

    check_manifest(folders.local("models/acme/1/gru"), digest)
    with pytest.raises(ArtefactDamaged):
        folders.local("models/acme/1/factor")
