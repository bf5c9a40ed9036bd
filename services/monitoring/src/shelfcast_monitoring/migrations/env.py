"""Alembic environment of the monitoring service."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from alembic import context
from shelfcast_servicekit.migrate import run_environment

if TYPE_CHECKING:
    from alembic.runtime.environment import EnvironmentContext

run_environment(cast("EnvironmentContext", context))  # the module stands in for the object
