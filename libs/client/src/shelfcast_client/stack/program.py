"""The processes of the product, and how a supervisor is told about them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shelfcast_client.stack import tether

STOP_SECONDS: Final = 12
START_SECONDS: Final = 2
RESTARTS: Final = 1000
LOG_BYTES: Final = "20MB"
GROUP: Final = "shelfcast"


@dataclass(frozen=True, slots=True)
class Program:
    """One process that is kept running."""

    name: str
    """Short name, also of its log file."""
    command: Sequence[str]
    """Program and arguments."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables besides those that all programs get; the values hold no quotes."""
    is_foundation: bool = False
    """Whether the others stand on it, so that it starts before and stops after them."""


def render_configuration(programs: Sequence[Program], folder: Path, is_verbose: bool) -> str:
    """Give the configuration of supervisord: restart what dies, stop all services at once, foundations last.

    folder: where logs and the process id are kept. A program that dies while it starts is restarted after 1,
    2, 3, ... seconds.
    """
    services = [program.name for program in programs if not program.is_foundation]
    head = [
        "[supervisord]",
        "nodaemon=true",
        f"logfile={_text(folder / 'supervisor.log')}",
        f"pidfile={_text(folder / 'supervisor.pid')}",
        f"childlogdir={_text(folder)}",
        "loglevel=info",
        "",
        f"[group:{GROUP}]",
        f"programs={','.join(services)}",
        "priority=20",
    ]
    return "\n".join([*head, *(_section(program, folder, is_verbose) for program in programs)]) + "\n"


def _section(program: Program, folder: Path, is_verbose: bool) -> str:
    log = "/dev/stdout" if is_verbose else _text(folder / f"{program.name}.log")
    variables = ",".join(f'{name}="{_text(value)}"' for name, value in program.environment.items())
    rows = [
        "",
        f"[program:{program.name}]",
        f"command={' '.join(_quoted(word) for word in tied(program.command))}",
        f"environment={variables}",
        f"priority={10 if program.is_foundation else 20}",
        "autorestart=true",
        f"startsecs={START_SECONDS}",
        f"startretries={RESTARTS}",
        f"stopwaitsecs={STOP_SECONDS}",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={log}",
        f"stdout_logfile_maxbytes={0 if is_verbose else LOG_BYTES}",
        "stdout_logfile_backups=2",
    ]
    return "\n".join(rows)


def tied(command: Sequence[str]) -> list[str]:
    """Give a command that ends when the process that starts it does."""
    return [sys.executable, "-I", "-S", str(Path(tether.__file__)), *command]


def _text(value: str | Path) -> str:
    """Escape what supervisord would expand."""
    return str(value).replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + _text(word).replace("\\", "\\\\").replace('"', '\\"') + '"'
