"""The database server's settings against the promises, and the sum of all pools."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from shelfcast_data.bootstrap.server import connection_demand
from shelfcast_data.domain.connection_demand import ConnectionDemand
from shelfcast_data.domain.server_finding import findings_of
from shelfcast_data.settings import DataSettings

GOOD = {
    "innodb_flush_log_at_trx_commit": "1",
    "innodb_doublewrite": "ON",
    "log_bin": "ON",
    "sync_binlog": "1",
    "binlog_format": "MIXED",
    "sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",
    "transaction_isolation": "READ-COMMITTED",
    "max_allowed_packet": "16777216",
    "local_infile": "ON",
    "read_only": "OFF",
    "max_connections": "50",
}
DEMAND = ConnectionDemand({"data": 2, "data-worker": 1}, {"data": 15, "data-worker": 10}, 10)


def wrong(**changed: str) -> list[str]:
    return [each.subject for each in findings_of(GOOD | changed, DEMAND) if each.is_wrong]


def test_a_server_that_keeps_the_promises_has_nothing_wrong() -> None:
    assert wrong() == []
    assert len(findings_of(GOOD, DEMAND)) == len(GOOD) - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("innodb_flush_log_at_trx_commit", "2"),
        ("innodb_doublewrite", "OFF"),
        ("sync_binlog", "0"),
        ("binlog_format", "STATEMENT"),
        ("sql_mode", "NO_ENGINE_SUBSTITUTION"),
        ("transaction_isolation", "REPEATABLE-READ"),
        ("max_allowed_packet", "1048576"),
        ("local_infile", "OFF"),
        ("read_only", "ON"),
        ("wsrep_on", "ON"),
        ("max_connections", "49"),
    ],
)
def test_what_differs_is_named(name: str, value: str) -> None:
    assert wrong(**{name: value}) == [name]


def test_the_binary_log_matters_only_where_there_is_one() -> None:
    assert wrong(log_bin="OFF", sync_binlog="0", binlog_format="STATEMENT") == []


def test_the_sum_of_the_pools_is_told_with_its_parts() -> None:
    (finding,) = (each for each in findings_of(GOOD | {"max_connections": "40"}, DEMAND) if each.is_wrong)

    assert "data 2 x 15 + data-worker 1 x 10 = 40" in finding.remedy
    assert finding.promised == "50 or more"


def test_the_default_installation_fits_the_default_server() -> None:
    assert connection_demand(DataSettings()).fits(151)


def test_more_processes_ask_for_more() -> None:
    one = connection_demand(DataSettings(database_processes="data=1"))
    three = connection_demand(DataSettings(database_processes="data=3"))

    assert three.total == 3 * one.total


@pytest.mark.parametrize("text", ["data", "data=x", "shop=1", "data=-1"])
def test_processes_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="write kind=count"):
        DataSettings(database_processes=text)
