"""What the database server says about its own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, text

from shelfcast_data.domain.server_finding import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

_OLD_NAMES: Final = {"tx_isolation": "transaction_isolation"}
"""MariaDB before 11.1 has the one name, MySQL 8 the other."""
_VARIABLES: Final = text("SHOW VARIABLES WHERE Variable_name IN :names").bindparams(
    bindparam("names", expanding=True)
)


def server_variables(connection: Connection) -> Mapping[str, str]:
    """Give the variables of this session that the promises are about; none of a store that is no server."""
    if connection.dialect.name == "sqlite":
        return {}
    rows = connection.execute(_VARIABLES, {"names": [*SUBJECTS, *_OLD_NAMES]})
    return {_OLD_NAMES.get(name, name): str(value) for name, value in rows}
