"""Import the store-item rows as CSV into MariaDB, beside a bare LOAD DATA of the same rows.

The bare load goes into an empty clone of the service's own table, in the same run. Variables: DATA (folder of
the data set, or a CSV file with the same columns), MYSQL_URL, FACTOR (the long file is so many times as long;
1 leaves it out), CHUNK (bytes of a chunk).
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from data_service import (
    ENVIRONMENT,
    bare_rows,
    connect,
    mariadb,
    migrated,
    repeated_csv,
    row_count,
    running,
    source_csv,
)
from report import Figure, publish

FACTOR = int(ENVIRONMENT.get("FACTOR") or 10)
MEMORY_BAR = 700


@dataclass(frozen=True, slots=True)
class Timed:
    """One import: how long it took and how much memory its processes held at most."""

    rows: int
    seconds: float
    server_mib: float
    worker_mib: float
    worker_seconds: float


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory(prefix="shelfcast-bench-") as folder:
        source = source_csv(Path(folder))
        reference = min(_bare_load(source, Path(folder)) for _ in range(2))
        once = _imported(source, Path(folder))
        figures = _figures(once, reference)
        if FACTOR > 1:
            long_file = repeated_csv(source, Path(folder), FACTOR)
            figures += _memory_figures(_imported(long_file, Path(folder)), f", a file {FACTOR} times as long")
    publish("ingest", figures)
    if not all(figure.holds in {True, None} for figure in figures):
        sys.exit(1)


def _bare_load(source: Path, folder: Path) -> float:
    """Give the rows a second of LOAD DATA LOCAL INFILE into an empty clone of the service's own table."""
    path = folder / "bare.tsv"
    bare_rows(source).write_csv(path, separator="\t", include_header=False)
    with mariadb() as (database, url):
        migrated(url, folder)
        with connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bare LIKE sales")
            begun = time.perf_counter()
            count = cursor.execute(
                f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE bare"
                " (tenant_no, series_no, sale_date, load_no, quantity)"
            )
            seconds = time.perf_counter() - begun
    assert count == row_count(source), count
    return count / seconds


def _imported(source: Path, folder: Path) -> Timed:
    """Import a file through a service of its own on MariaDB."""
    rows = row_count(source)
    with mariadb() as (database, url):
        with running(url, folder) as service:
            job, seconds = service.load(source)
            peaks = service.peaks_mib()
        assert job.result["accepted_count"] == rows, job.result
        with connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM sales")
            assert cursor.fetchone() == (rows,)
    in_worker = (job.completed_at.ToMicroseconds() - job.started_at.ToMicroseconds()) / 1e6
    return Timed(rows, seconds, *peaks, in_worker)


def _figures(once: Timed, reference: float) -> list[Figure]:
    rate = once.rows / once.seconds
    ratio = rate / reference
    return [
        Figure("import of sales, from the first byte sent to the job's end", rate, "rows/s", reference, ratio,
               "ratio >= 0.4", ratio >= 0.4),
        Figure("import of sales, the worker's part", once.rows / once.worker_seconds, "rows/s", reference,
               once.rows / once.worker_seconds / reference),
        *_memory_figures(once, ""),
    ]  # fmt: skip


def _memory_figures(timed: Timed, what: str) -> list[Figure]:
    total = timed.server_mib + timed.worker_mib
    bar = f"< {MEMORY_BAR}"
    return [
        Figure(f"rate{what or ', the file'} ({timed.rows:,} rows)", timed.rows / timed.seconds, "rows/s"),
        Figure(
            f"peak memory of the server{what}",
            timed.server_mib,
            "MiB",
            bar=bar,
            holds=timed.server_mib < MEMORY_BAR,
        ),
        Figure(
            f"peak memory of the worker{what}",
            timed.worker_mib,
            "MiB",
            bar=bar,
            holds=timed.worker_mib < MEMORY_BAR,
        ),
        Figure(f"peak memory of both{what}", total, "MiB", bar=bar, holds=total < MEMORY_BAR),
    ]


if __name__ == "__main__":
    main()
