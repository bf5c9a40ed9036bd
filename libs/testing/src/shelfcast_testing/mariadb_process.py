"""A MariaDB server of a test's own, to be killed and started again on what it has written."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from shelfcast_testing.redis_process import free_port
from shelfcast_testing.settings import SuiteSettings

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS: Final = 60.0
PROGRAMS: Final = ("mariadbd", "mariadb-install-db")


class MariadbProcess:
    """One server process on a free port."""

    def __init__(self, folder: Path, *options: str, data: Path | None = None) -> None:
        """Keep its log in `folder`; `start` begins.

        options: further options of the server. data: folder that it makes for its data; None: in `folder`.
        """
        self.port = free_port()
        self._folder = folder
        self._data = data or folder / "mariadb"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "") -> str:
        """Give the URL of a database."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers; leaves the test out where none is installed."""
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing:
            if SuiteSettings().require_services:
                raise AssertionError(f"not installed: {missing}")
            pytest.skip(f"not installed: {', '.join(missing)}")
        own = ["--no-defaults", f"--datadir={self._data}", f"--user={getpass.getuser()}", *self._options]
        if not self._data.exists():
            self._run(["mariadb-install-db", *own, "--auth-root-authentication-method=normal"])
        address = [f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self._folder}/mariadb.sock"]
        with (self._folder / "mariadb.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["mariadbd", *own, *address, "--local-infile=1", "--innodb-buffer-pool-size=128M"],
                stdout=log,
                stderr=log,
            )
        self._await()

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

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
        """End the server at once; `start` begins again with what it has committed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
