"""Sales in monthly partitions against one table: history, LOAD DATA, and the end of a month, in pairs.

    .venv/bin/python benchmarks/partitions.py mysql+pymysql://root@127.0.0.1:3306/

Makes a database of its own and drops it. ADR 0044 quotes what it printed.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from shelfcast_data.domain.archive import next_month
from sqlalchemy import Connection, create_engine

SERIES, FIRST, DAYS = 500, date(2019, 1, 1), 1826
LOADS, READS = 3, 400
NAME = "shelfcast_bench_partitions"
COLUMNS = """
(tenant_no INT UNSIGNED NOT NULL, series_no INT UNSIGNED NOT NULL, sale_date DATE NOT NULL,
load_no INT UNSIGNED NOT NULL, quantity DECIMAL(18,6) NOT NULL, unit_price DECIMAL(18,6), is_promotion BOOL,
was_available BOOL, is_return BOOL NOT NULL DEFAULT 0, is_withdrawn BOOL NOT NULL DEFAULT 0,
PRIMARY KEY (tenant_no, series_no, sale_date, load_no), INDEX ix_load (tenant_no, load_no))
"""
TABLES = ("one_table", "partitions")
Timed = dict[str, list[float]]


def months() -> Iterator[date]:
    """Give the first days of the months, and of the one after."""
    month, last = FIRST, FIRST + timedelta(days=DAYS)
    while month <= last:
        yield month
        month = next_month(month)
    yield month


def partitions() -> str:
    """Give the clause that parts a table by month."""
    bounds = (f"PARTITION p{end:%Y%m} VALUES LESS THAN ('{end}')" for end in list(months())[1:])
    return f"PARTITION BY RANGE COLUMNS(sale_date) ({', '.join(bounds)})"


def write_rows(path: Path) -> None:
    """Write the rows series by series, as an import of a file of series does."""
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    with path.open("w") as file:
        for series in range(1, SERIES + 1):
            file.writelines(f"1\t{series}\t{day}\t1\t{series % 7}\t1.5\t0\t1\t0\t0\n" for day in days)


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def load(connection: Connection, table: str, path: Path) -> float:
    """Fill an empty table; give the seconds."""
    connection.exec_driver_sql(f"TRUNCATE {table}")
    fill = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table}"

    def work() -> None:
        connection.exec_driver_sql(fill)
        connection.commit()

    return timed(work)


def history(connection: Connection, table: str, series: int, first: date) -> float:
    """Read the days of a series from one on; give the seconds."""
    query = (
        f"SELECT sale_date, load_no, quantity, unit_price FROM {table} WHERE tenant_no = 1 AND load_no <= 9"
        f" AND series_no = {series} AND sale_date BETWEEN '{first}' AND '2199-12-31'"
        " ORDER BY sale_date, load_no"
    )
    return timed(lambda: connection.exec_driver_sql(query).fetchall())


def end_of_month(connection: Connection, table: str) -> float:
    """Remove the first month; give the seconds."""
    if table == "partitions":
        gone = f"ALTER TABLE {table} DROP PARTITION p{next_month(FIRST):%Y%m}"
        return timed(lambda: connection.exec_driver_sql(gone))

    def delete() -> None:
        for start in range(1, SERIES + 1, 160):
            numbers = ", ".join(str(each) for each in range(start, min(start + 160, SERIES + 1)))
            connection.exec_driver_sql(
                f"DELETE FROM {table} WHERE tenant_no = 1 AND series_no IN ({numbers})"
                f" AND sale_date BETWEEN '{FIRST}' AND '{FIRST + timedelta(days=30)}'"
            )
            connection.commit()

    return timed(delete)


def told(what: str, found: Timed, rows: int = 0) -> None:
    """Print medians and their ratio."""
    medians = {table: statistics.median(found[table]) for table in TABLES}
    rates = "".join(
        f" ({rows / each / 1000:.0f} thousand rows/s)" if rows else "" for each in medians.values()
    )
    one, many = (medians[table] * 1000 for table in TABLES)
    sys.stdout.write(f"{what}: one table {one:.2f} ms, partitions {many:.2f} ms, x {many / one:.2f}{rates}\n")


def main(url: str) -> None:
    """Measure and print."""
    engine = create_engine(url, connect_args={"local_infile": True})
    chance = random.Random(7)
    with engine.connect() as connection, tempfile.TemporaryDirectory() as folder:
        connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
        try:
            connection.exec_driver_sql(f"USE {NAME}")
            connection.exec_driver_sql(f"CREATE TABLE one_table {COLUMNS}")
            connection.exec_driver_sql(f"CREATE TABLE partitions {COLUMNS} {partitions()}")
            path = Path(folder) / "rows.tsv"
            write_rows(path)
            loads: Timed = {table: [] for table in TABLES}
            for turn in range(LOADS):
                for table in TABLES[:: 1 if turn % 2 else -1]:
                    loads[table].append(load(connection, table, path))
            told("LOAD DATA", loads, SERIES * DAYS)
            for name, first in (
                ("all days of a series", FIRST),
                ("its last 90 days", FIRST + timedelta(DAYS - 90)),
            ):
                reads: Timed = {table: [] for table in TABLES}
                for _ in range(READS):
                    series = chance.randrange(1, SERIES + 1)
                    for table in chance.sample(TABLES, 2):
                        reads[table].append(history(connection, table, series, first))
                told(name, reads)
            told("end of a month", {table: [end_of_month(connection, table)] for table in TABLES})
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {NAME}")


if __name__ == "__main__":
    main(sys.argv[1])
