"""Settings of the data service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode
from shelfcast_servicekit.settings import DEFAULT_PORTS, Port, ServiceSettings

from shelfcast_data.domain.connection_demand import checked_processes
from shelfcast_data.domain.import_host import import_hosts

MEBIBYTE = 1024 * 1024


class DataSettings(ServiceSettings):
    """What the data service reads from the environment."""

    service_name: ClassVar[str] = "data"

    port: Port = DEFAULT_PORTS["data"]
    """Port that the server listens on; 0 takes a free one."""
    share_port: bool = False
    """Whether several server processes listen on the port; the kernel shares connections out among them."""
    database_threads: Annotated[int, Field(ge=1, le=64)] = 8
    """Threads that talk to the database; the pool holds as many connections."""
    database_processes: Annotated[str, AfterValidator(checked_processes)] = (
        "data=1,data-worker=1,model=1,model-worker=1,monitoring=1"
    )
    """Processes that use one database server, by kind; their connections are added up at start."""
    database_reserve: Annotated[int, Field(ge=0)] = 10
    """Connections of the server that are left for operators, migrations and backups."""
    data_replica_url: str = ""
    """SQLAlchemy URL of a replica; large reads of a data version go there when it has come so far."""
    import_max_bytes: Annotated[int, Field(ge=1)] = 4096 * MEBIBYTE
    """Largest upload as it is sent, in bytes."""
    import_max_expanded_bytes: Annotated[int, Field(ge=1)] = 16384 * MEBIBYTE
    """Largest size of a compressed upload after expansion, in bytes."""
    import_max_ratio: Annotated[float, Field(ge=1)] = 200.0
    """Largest ratio of expanded to sent bytes of a compressed upload, once it is over 16 MiB."""
    import_max_line_bytes: Annotated[int, Field(ge=64)] = MEBIBYTE
    """Longest line of a file, in bytes."""
    import_chunk_bytes: Annotated[int, Field(ge=1024)] = 2 * MEBIBYTE
    """Bytes of a file that are checked and loaded in one transaction; memory follows it."""
    import_max_reject_bytes: Annotated[int, Field(ge=0)] = 256 * MEBIBYTE
    """Refused rows of one import that are kept for its reject file, in bytes; 0 keeps none."""
    event_stream_length: Annotated[int, Field(ge=1000)] = 100_000
    """Events that the stream in Redis keeps, about; a consumer that was away longer misses the older ones."""
    outbox_retention_days: Annotated[float, Field(ge=0)] = 7.0
    """Age in days at which published events are deleted from the database."""
    failpoint: Literal["", "after_commit", "after_publish"] = ""
    """For tests only: place at which the relay of events kills its process."""
    archive_after_months: Annotated[int, Field(ge=0)] = 0
    """Sales of months that are over for so long are moved to the archive; 0 moves none."""
    keep_import_files_days: Annotated[int, Field(ge=0)] = 0
    """Days for which files of failed and cancelled imports are kept; 0 keeps them for ever."""
    keep_reject_files_days: Annotated[int, Field(ge=0)] = 0
    """Days for which refused rows of ended imports are kept for their reject files; 0 keeps them for ever."""
    keep_jobs_days: Annotated[int, Field(ge=0)] = 0
    """Days for which ended jobs other than imports are kept; 0 keeps them for ever."""
    maintenance_hours: Annotated[float, Field(ge=0)] = 24.0
    """Hours between two rounds of maintenance by the server; 0 leaves them to `maintain`."""
    import_fetch_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """Longest time that one try to fetch a file by its URL may take, in seconds."""
    data_import_hosts: str = ""
    """Hosts that files are fetched from, with commas between them (docs/imports.md); empty means none."""
    data_sources: Annotated[Mapping[str, SecretStr], NoDecode] = Field(default_factory=dict)
    """Databases that sales are read from: JSON of `tenant/name` to SQLAlchemy URL; empty means none."""
    quality_check_minutes: Annotated[int, Field(ge=0)] = 60
    """Least minutes between two checks of quality that a tenant's imports ask for; 0 asks for none."""
    worker_concurrency: Annotated[int, Field(ge=1, le=16)] = 1
    """Imports that one worker process runs at a time."""

    @field_validator("data_import_hosts")
    @classmethod
    def _check_hosts(cls, value: str) -> str:
        import_hosts(value)
        return value

    @field_validator("data_sources", mode="before")
    @classmethod
    def _read_sources(cls, value: object) -> object:
        return _json_object(value) if isinstance(value, str) else value

    @field_validator("data_sources")
    @classmethod
    def _check_sources(cls, value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for each in value:
            tenant, slash, name = each.partition("/")
            if not (tenant and slash and name):
                raise ValueError(f"{each!r} is not of the form tenant/name")
        return value

    def source_urls(self) -> Mapping[tuple[str, str], str]:
        """Give the SQLAlchemy URLs of the databases, by tenant and name."""
        urls = self.data_sources.items()
        return {(key.partition("/")[0], key.partition("/")[2]): url.get_secret_value() for key, url in urls}


def _json_object(text: str) -> object:
    """Read JSON without ever showing it. Raises: ValueError."""
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError('it is no JSON; write {"tenant/name": "SQLAlchemy URL"}') from None
