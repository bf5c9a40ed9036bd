"""Which gateway the command talks to, and as whom."""

from __future__ import annotations

from dataclasses import dataclass

from shelfcast_client.client import ShelfcastClient
from shelfcast_client.settings import ClientSettings
from shelfcast_client.stack.address import read_address, read_key


class ConnectionUnknown(Exception):
    """No gateway or no credential is named, and no stack runs on the data folder."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An address and a credential."""

    url: str
    """Base URL of the gateway."""
    api_key: str
    """Credential."""

    def client(self) -> ShelfcastClient:
        """Give a client; the caller closes it."""
        return ShelfcastClient(self.url, self.api_key)


def find_connection(settings: ClientSettings, url: str | None, api_key: str | None) -> Connection:
    """Give the connection: options win over the environment, that over the stack of the data folder.

    Raises: ConnectionUnknown, naming what is missing and how to give it.
    """
    found_url = url or settings.url or read_address(settings.data_dir).get("url", "")
    if not found_url:
        raise ConnectionUnknown(
            f"No stack runs on {settings.data_dir}: start one with `shelfcast up`, "
            "or give --url or SHELFCAST_URL."
        )
    secret = settings.api_key.get_secret_value() if settings.api_key else ""
    found_key = api_key or secret or read_key(settings.data_dir)
    if not found_key:
        raise ConnectionUnknown("No API key is known: give --api-key or SHELFCAST_API_KEY.")
    return Connection(found_url, found_key)
