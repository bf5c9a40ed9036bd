"""Two MariaDB servers of the tests' own: a primary, and a replica that follows it by GTID."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from tests.integration.data.conftest import IS_REQUIRED

PATIENCE_SECONDS = 60
PROGRAMS = ("mariadbd", "mariadb-install-db")


@dataclass
class Server:
    """One MariaDB server on the loopback address."""

    folder: Path
    server_id: int
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start on a free port, or on the one that it had."""
        data = self.folder / "data"
        if not data.exists():
            data.mkdir(parents=True)
            install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", *_identity()]
            install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
            subprocess.run(install, check=True, capture_output=True)
        self.port = self.port or _free_port()
        own = [f"--datadir={data}", f"--port={self.port}", f"--socket={self.folder}/s", *_identity()]
        rest = f"--no-defaults --bind-address=127.0.0.1 --server-id={self.server_id} --log-bin=log"
        rest += " --innodb-buffer-pool-size=32M --innodb-log-file-size=8M --local-infile=1"
        command, *words = rest.split()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(["mariadbd", command, *own, *words], stdout=log, stderr=log)
        self._await()

    def _await(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with suppress(pymysql.err.OperationalError):
                self.run("SELECT 1")
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text()[-2000:])

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as root and give the rows of the last one."""
        connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        rows: list[tuple[object, ...]] = []
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def stop(self) -> None:
        """End it without a word, as a crash would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass
class Pair:
    """A primary and its replica."""

    primary: Server
    replica: Server

    def catch_up(self) -> None:
        """Wait until the replica has what the primary has."""
        ((place,),) = self.primary.run("SELECT @@gtid_binlog_pos")
        ((outcome,),) = self.replica.run(f"SELECT MASTER_GTID_WAIT('{place}', {PATIENCE_SECONDS})")
        assert outcome == 0


@contextmanager
def replicating(folder: Path) -> Iterator[Pair]:
    """Run both; skip where MariaDB's programs are not installed."""
    if any(shutil.which(program) is None for program in PROGRAMS):
        if IS_REQUIRED:
            raise AssertionError(f"not installed: {PROGRAMS}")
        pytest.skip("MariaDB's programs are not installed")
    pair = Pair(Server(folder / "primary", 1), Server(folder / "replica", 2))
    try:
        pair.primary.start()
        pair.replica.start()
        pair.primary.run(
            "CREATE USER follower@'127.0.0.1' IDENTIFIED BY 'follower'",
            "GRANT REPLICATION SLAVE ON *.* TO follower@'127.0.0.1'",
        )
        pair.replica.run(
            f"CHANGE MASTER TO master_host='127.0.0.1', master_port={pair.primary.port},"
            " master_user='follower', master_password='follower', master_use_gtid=slave_pos,"
            " master_connect_retry=1",
            "START SLAVE",
        )
        yield pair
    finally:
        pair.replica.stop()
        pair.primary.stop()


def _identity() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
