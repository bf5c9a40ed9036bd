"""From which hosts files may be fetched: the operator's list, and what it says of a URL and of an address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from shelfcast_data.errors import UrlRefused

SETTING: Final = "SHELFCAST_DATA_IMPORT_HOSTS"
LONGEST_URL: Final = 4096
PORTS: Final = {"https": 443, "http": 80}

_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PLAIN: Final = "http://"
_SECURE: Final = "https://"
_AS_THEY_ARE: Final = "%/:=&?~+!$,;'@()*[]"
_NAT64: Final = ip_network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be fetched, taken apart."""

    scheme: str
    """`https`, or `http` where the list allows it."""
    host: str
    """Name or address, in lower case, without brackets."""
    port: int
    """Port to connect to."""
    path: str
    """Path and query as they are sent."""

    @property
    def url(self) -> str:
        """Give the URL again."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Give host and port as they stand in a URL; the usual port is left out, as signatures want it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def file_name(self) -> str:
        """Give the last part of the path, without the query."""
        return urlsplit(self.url).path.rpartition("/")[2] or self.host


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One entry of the list."""

    name: str
    """Host name; one that begins with `*.` stands for all names below; empty for an address."""
    network: IPv4Network | IPv6Network | None
    """Address or range of addresses; None for a name."""
    port: int | None
    """Port; None means the usual one of the scheme."""
    is_plain: bool
    """Whether http is allowed beside https."""

    def is_of(self, host: str) -> bool:
        """Whether the entry stands for a host."""
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        return host.endswith(self.name[1:]) if self.name.startswith("*.") else host == self.name

    def admits(self, address: Address, port: int) -> bool:
        """Whether the entry says that connections to an address are meant."""
        return self.network is not None and address in self.network and self.port in {None, port}


@dataclass(frozen=True, slots=True)
class ImportHosts:
    """The operator's list."""

    entries: tuple[HostEntry, ...] = ()
    """Its entries; none means that nothing is fetched."""

    def target(self, url: str) -> Target:
        """Take a URL apart that may be fetched. Raises: UrlRefused."""
        parts = _parts(url)
        host = _host(parts)
        mine = [entry for entry in self.entries if entry.is_of(host)]
        if not self.entries:
            raise UrlRefused(problem=f"the operator has listed no host in {SETTING}")
        if not mine:
            raise UrlRefused(problem=f"the host {host[:200]} is not in {SETTING}")
        if parts.scheme == "http" and not any(entry.is_plain for entry in mine):
            problem = f"http is not allowed for {host[:200]}; the entry {_PLAIN}{host[:200]} would allow it"
            raise UrlRefused(problem=problem)
        usual = PORTS[parts.scheme]
        port = _port(parts) or usual
        if not any(port == (entry.port or usual) for entry in mine):
            raise UrlRefused(problem=f"the port {port} of {host[:200]} is not in {SETTING}")
        return Target(parts.scheme, host, port, _path(parts))

    def check_address(self, host: str, address: str, port: int) -> None:
        """Raise UrlRefused unless connections to an address of a host are allowed.

        A public address is; one of this machine, a private network or a cloud's metadata must be listed.
        """
        known = ip_address(address.partition("%")[0])
        if any(entry.admits(known, port) for entry in self.entries):
            return
        if not all(each.is_global and not each.is_multicast for each in _meant(known)):
            problem = f"the address of {host[:200]} is not public and not in {SETTING}"
            raise UrlRefused(problem=problem)


def import_hosts(text: str) -> ImportHosts:
    """Read the list: entries with commas between them.

    An entry is a name (`files.example.com`, `*.example.com`), an address (`10.0.0.5`, `[::1]`) or a range
    (`10.0.0.0/8`), with `http://` before it where http is allowed, and `:port` behind a name or an address.
    Raises: ValueError naming the entry.

    >>> import_hosts("files.example.com").target("https://files.example.com/a.csv").port
    443
    """
    return ImportHosts(tuple(_entry(each.strip()) for each in text.split(",") if each.strip()))


def _entry(text: str) -> HostEntry:
    is_plain = text.startswith(_PLAIN)
    rest = text.removeprefix(_PLAIN).removeprefix(_SECURE).lower()
    network = _network(rest)
    if network is not None:
        return HostEntry("", network, None, is_plain)
    host, colon, port = rest.rpartition(":")
    if not colon:
        host, port = rest, ""
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r} has no such port")
    network = _network(host)
    if network is None and not _NAME.fullmatch(host):
        raise ValueError(f"{text!r} is neither a host name nor an address or a range of addresses")
    return HostEntry("" if network else host, network, int(port) if port else None, is_plain)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _meant(address: Address) -> Iterator[Address]:
    """Give an address, and the one of version 4 that it carries."""
    yield address
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if carried is None and address in _NAT64:
            carried = IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            yield carried


def _parts(url: str) -> SplitResult:
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise UrlRefused(problem="it is too long, or holds blanks, backslashes or control characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UrlRefused(problem="it is no URL") from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise UrlRefused(problem="only https (or listed http) URLs with a host can be fetched")
    if "@" in parts.netloc:
        raise UrlRefused(problem="it holds a user name or a password; hand in a URL without them")
    return parts


def _host(parts: SplitResult) -> str:
    try:
        return (parts.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise UrlRefused(problem="its host is no name") from error


def _port(parts: SplitResult) -> int | None:
    return parts.port


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_AS_THEY_ARE)
    return f"{path}?{quote(parts.query, safe=_AS_THEY_ARE)}" if parts.query else path
