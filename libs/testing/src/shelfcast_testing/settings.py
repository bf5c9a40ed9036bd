"""What tests read from the environment."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class SuiteSettings(BaseSettings):
    """Where the servers for tests are, and whether they must be there."""

    model_config = SettingsConfigDict(env_prefix="SHELFCAST_", frozen=True, extra="ignore")

    test_mysql_url: str = "mysql+pymysql://root@127.0.0.1:3306/"
    """URL of a MariaDB or MySQL server on which test databases may be created."""
    require_services: bool = False
    """Whether a test fails, instead of being left out, when its server does not answer."""
