"""Where the stack of a data folder is reached, and with which credential."""

from __future__ import annotations

import json
import os
from pathlib import Path

from shelfcast_client.stack.plan import StackPlan

KEY_MODE = 0o600


def key_path(data_dir: Path) -> Path:
    """Give the file of the API key that `up` keeps."""
    return data_dir / "secrets" / "api_key"


def read_key(data_dir: Path) -> str:
    """Give the API key of a data folder; empty when there is none."""
    path = key_path(data_dir)
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def write_key(data_dir: Path, secret: str) -> None:
    """Keep an API key where only its owner can read it."""
    path = key_path(data_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    draft.replace(path)


def _address_path(data_dir: Path) -> Path:
    return data_dir / "run" / "stack.json"


def write_address(plan: StackPlan) -> None:
    """Note where a started stack is reached."""
    path = _address_path(plan.data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {
        "url": plan.base_url,
        "model_target": plan.environment()["SHELFCAST_MODEL_TARGET"],
        "data_target": plan.environment()["SHELFCAST_DATA_TARGET"],
    }
    path.write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")


def forget_address(data_dir: Path) -> None:
    """Remove the note of a stack that was stopped."""
    _address_path(data_dir).unlink(missing_ok=True)


def read_address(data_dir: Path) -> dict[str, str]:
    """Give `url`, `model_target` and `data_target` of the stack of a data folder; empty when none runs."""
    path = _address_path(data_dir)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
