"""How many connections the processes hold, and what the database server is set to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.engine import POOL_OVERFLOW, create_service_engine
from shelfcast_servicekit.jobs.worker import ledger_connections
from sqlalchemy.exc import SQLAlchemyError

from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.sql.sales_table import READERS
from shelfcast_data.adapters.sql.server_variables import server_variables
from shelfcast_data.domain.connection_demand import OTHER_CONNECTIONS, ConnectionDemand, processes_of
from shelfcast_data.domain.server_finding import findings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_data.domain.server_finding import ServerFinding
    from shelfcast_data.settings import DataSettings

TABLE_THREADS: Final = 2
"""Threads that read whole tables, for training and as much again for exports."""
_LOG: Final = logging.getLogger("shelfcast.database")


def server_pool_size(settings: DataSettings) -> int:
    """Give the connections that the server keeps."""
    return settings.database_threads + 2 * TABLE_THREADS * READERS


def worker_pool_size(settings: DataSettings) -> int:
    """Give the connections that a worker keeps for its jobs, beside those of its job table."""
    return settings.worker_concurrency * READERS + 1


def connection_demand(settings: DataSettings) -> ConnectionDemand:
    """Give what all processes may ask of the database server."""
    ledger = ledger_connections(settings.worker_concurrency)
    connections = {
        "data": server_pool_size(settings) + POOL_OVERFLOW,
        "data-worker": worker_pool_size(settings) + ledger + 2 * POOL_OVERFLOW,
        **OTHER_CONNECTIONS,
    }
    return ConnectionDemand(processes_of(settings.database_processes), connections, settings.database_reserve)


def examine_server(settings: DataSettings) -> Sequence[ServerFinding]:
    """Give what the database server is set to; nothing for SQLite. Raises: OperationRefused."""
    engine = create_service_engine(settings.database_url, pool_size=1, traced=False)
    try:
        with engine.connect() as connection:
            variables = server_variables(connection)
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", error)
        raise OperationRefused(f"The database server cannot be examined: {reason}") from error
    finally:
        engine.dispose()
    return findings_of(variables, connection_demand(settings)) if variables else []


def warn_of_server(settings: DataSettings) -> None:
    """Log what differs from what is promised; a server that is away is left to the health check."""
    try:
        findings = examine_server(settings)
    except OperationRefused as error:
        _LOG.warning("%s", error)
        return
    for finding in findings:
        if finding.is_wrong:
            _LOG.error(
                "%s is %s, promised is %s: %s",
                finding.subject,
                finding.found,
                finding.promised,
                finding.remedy,
            )
