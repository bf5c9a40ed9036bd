"""A PostgreSQL server of a test's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from shelfcast_testing.redis_process import free_port

START_SECONDS: Final = 60.0
FOLDERS: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version, outside of PATH."""
ACCOUNT: Final = "postgres"
"""Who runs the server where the tests run as root, which it refuses."""


class PostgresProcess:
    """One server process on a free port, with the account `root` that may do anything."""

    def __init__(self) -> None:
        """Keep its data in a folder of its own; `start` begins."""
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._account = ACCOUNT if os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, account: str = "root", database: str = "postgres") -> str:
        """Give the URL of a database."""
        return f"postgresql+psycopg://{account}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers; leaves the test out where none is installed."""
        programs = _programs()
        if programs is None:
            pytest.skip("not installed: postgresql")
        if self._account is not None:
            shutil.chown(self._folder, self._account)
        data = f"{self._folder}/data"
        made: list[str | Path] = [programs / "initdb", "-D", data, "-A", "trust", "-U", "root", "--no-sync"]
        made += ["-E", "UTF8", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, cwd=self._folder, user=self._account)
        address = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._folder)]
        self._process = subprocess.Popen(
            [programs / "postgres", "-D", data, *address, "-F"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=self._account,
        )
        self._await()

    def _await(self) -> None:
        engine = create_engine(self.url())
        deadline = time.monotonic() + START_SECONDS
        try:
            while True:
                try:
                    with engine.connect():
                        return
                except OperationalError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
        finally:
            engine.dispose()

    def kill(self) -> None:
        """End the server at once, and remove what it has written."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder)


def _programs() -> Path | None:
    """Give the folder with the programs of the newest version; None where there is none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    return max(FOLDERS.glob("*/bin"), key=lambda folder: float(folder.parent.name), default=None)
