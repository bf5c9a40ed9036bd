"""What a database server is set to, held against what the service promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shelfcast_data.domain.connection_demand import ConnectionDemand

LEAST_PACKET_BYTES: Final = 16 * 1024 * 1024
"""Rows of a series come as one text of up to so many bytes."""


@dataclass(frozen=True, slots=True)
class ServerFinding:
    """One setting, as it is."""

    subject: str
    """Name of the server's variable."""
    found: str
    """Its value."""
    promised: str
    """What it must be."""
    is_wrong: bool
    """Whether it differs from what is promised."""
    remedy: str
    """What goes wrong otherwise, and what to do."""


@dataclass(frozen=True, slots=True)
class _Rule:
    subject: str
    promised: str
    holds: Callable[[str], bool]
    remedy: str
    only_with_log: bool = False


def _is(*words: str) -> Callable[[str], bool]:
    return lambda value: value.upper() in words


_RULES: Final = (
    _Rule(
        "innodb_flush_log_at_trx_commit",
        "1",
        _is("1"),
        "An acknowledged write is lost when the machine fails: set it to 1.",
    ),
    _Rule(
        "innodb_doublewrite",
        "ON",
        _is("ON", "1", "DETECT_AND_RECOVER"),
        "A page that is half written when the machine fails is lost: set it to ON.",
    ),
    _Rule(
        "sync_binlog",
        "1",
        _is("1"),
        "A replica, or a restore by the binary log, can miss acknowledged writes: set it to 1.",
        only_with_log=True,
    ),
    _Rule(
        "binlog_format",
        "ROW or MIXED",
        _is("ROW", "MIXED"),
        "READ COMMITTED cannot be logged as statements: set it to ROW.",
        only_with_log=True,
    ),
    _Rule(
        "sql_mode",
        "with STRICT_TRANS_TABLES",
        lambda value: bool({"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(value.upper().split(","))),
        "Values that do not fit are cut without an error: add STRICT_TRANS_TABLES.",
    ),
    _Rule(
        "transaction_isolation",
        "READ-COMMITTED",
        _is("READ-COMMITTED"),
        "The service sets it on each connection; look for an init_connect or a proxy that changes it.",
    ),
    _Rule(
        "max_allowed_packet",
        f"{LEAST_PACKET_BYTES} or more",
        lambda value: int(value) >= LEAST_PACKET_BYTES,
        "Exports and snapshots of long series fail: set it to 16M or more.",
    ),
    _Rule(
        "local_infile",
        "ON",
        _is("ON", "1"),
        "Imports fail, as they load files that the worker has made: set it to ON.",
    ),
    _Rule(
        "read_only",
        "OFF",
        _is("OFF", "0"),
        "Nothing can be written: is SHELFCAST_DATABASE_URL that of a replica?",
    ),
    _Rule(
        "wsrep_on",
        "OFF",
        _is("OFF", "0"),
        "Galera can lose acknowledged writes; use one primary with replicas.",
    ),
)
SUBJECTS: Final = (*(rule.subject for rule in _RULES), "log_bin", "max_connections")
"""The variables that are looked at; a server need not have all of them."""


def findings_of(variables: Mapping[str, str], demand: ConnectionDemand) -> Sequence[ServerFinding]:
    """Give a finding for each variable that the server has and that means something as it is set up."""
    has_log = variables.get("log_bin", "OFF").upper() in {"ON", "1"}
    rules = [rule for rule in _RULES if rule.subject in variables and (has_log or not rule.only_with_log)]
    return [*(_finding(rule, variables[rule.subject]) for rule in rules), _connections(variables, demand)]


def _finding(rule: _Rule, value: str) -> ServerFinding:
    return ServerFinding(rule.subject, value, rule.promised, not rule.holds(value), rule.remedy)


def _connections(variables: Mapping[str, str], demand: ConnectionDemand) -> ServerFinding:
    most = int(variables["max_connections"])
    least = demand.total + demand.reserve
    remedy = (
        f"The pools add up to {demand}, and {demand.reserve} are kept free: set max_connections to {least} or"
        " more, run fewer processes, lower SHELFCAST_DATABASE_THREADS or SHELFCAST_WORKER_CONCURRENCY, or"
        " correct SHELFCAST_DATABASE_PROCESSES."
    )
    return ServerFinding("max_connections", str(most), f"{least} or more", not demand.fits(most), remedy)
