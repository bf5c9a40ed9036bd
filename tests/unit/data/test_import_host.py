"""Which URLs and addresses the operator's list admits."""

from __future__ import annotations

import socket
from typing import Any

import httpcore
import pytest
from shelfcast_data.adapters.http.guarded_network import GuardedNetwork
from shelfcast_data.domain.import_host import import_hosts
from shelfcast_data.errors import UrlRefused

LIST = (
    "files.example.com, *.shops.example.com, http://erp.lan:8080, 10.0.0.5, http://192.168.7.0/24,"
    " [fd00::1]:8443, https://münchen.example"
).replace("münchen", "xn--mnchen-3ya")
HOSTS = import_hosts(LIST)


@pytest.mark.parametrize(
    ("url", "taken_as"),
    [
        ("https://files.example.com/a.csv?b=1#c", "https://files.example.com/a.csv?b=1"),
        ("https://FILES.example.com./", "https://files.example.com/"),
        ("https://a.b.shops.example.com", "https://a.b.shops.example.com/"),
        ("http://erp.lan:8080/x", "http://erp.lan:8080/x"),
        ("https://erp.lan:8080/x", "https://erp.lan:8080/x"),
        ("https://10.0.0.5/x", "https://10.0.0.5/x"),
        ("http://192.168.7.9/x y".replace(" ", "%20"), "http://192.168.7.9/x%20y"),
        ("https://[fd00::1]:8443/x", "https://[fd00::1]:8443/x"),
        ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
    ],
)
def test_a_listed_url_is_taken(url: str, taken_as: str) -> None:
    assert HOSTS.target(url).url == taken_as


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/a",
        "https://files.example.com:8443/a",
        "https://shops.example.com/a",
        "https://evilshops.example.com/a",
        "https://files.example.com.evil.example/a",
        "https://files.example.com@evil.example/a",
        "https://evil.example\\@files.example.com/a",
        "https://evil.example#@files.example.com/a",
        "https://user:secret@files.example.com/a",
        "https://erp.lan/a",
        "http://10.0.0.5/a",
        "https://10.0.0.6/a",
        "https://0xa000005/a",
        "https://167772165/a",
        "https://[::ffff:10.0.0.5]/a",
        "https://[fd00::1]/a",
        "ftp://files.example.com/a",
        "gopher://files.example.com/a",
        "file:///etc/passwd",
        "//files.example.com/a",
        "files.example.com/a",
        "https:///a",
        "https://files.example.com:99999/a",
        "https://files.example.com/a\r\nx: y",
        "https://files.example.com/a b",
        "https://" + "a" * 5000,
        "",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        HOSTS.target(url)

    assert "secret" not in caught.value.metadata["problem"]


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "10.0.0.5"])
def test_public_and_listed_addresses_are_admitted(address: str) -> None:
    HOSTS.check_address("files.example.com", address, 443)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.6",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_of_machine_network_and_cloud_are_refused(address: str) -> None:
    with pytest.raises(UrlRefused):
        HOSTS.check_address("files.example.com", address, 443)


def test_a_listed_address_is_admitted_on_its_port_only() -> None:
    HOSTS.check_address("files.example.com", "fd00::1", 8443)

    with pytest.raises(UrlRefused):
        HOSTS.check_address("files.example.com", "fd00::1", 443)


@pytest.mark.parametrize(
    "entry", ["a b", "https://a/b", "a:0", "a:70000", "a:x", "*", "a.*.b", "ftp://a", "@a"]
)
def test_a_wrong_entry_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is neither|has no such port"):
        import_hosts(f"files.example.com,{entry}")


def test_one_private_address_among_public_ones_stops_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*_: Any, **__: Any) -> list[Any]:  # noqa: ANN401 - as the library has it
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)

    with pytest.raises(UrlRefused):
        GuardedNetwork(HOSTS, 60.0).connect_tcp("files.example.com", 443)


def test_the_address_that_was_looked_at_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [["10.0.0.5"], ["127.0.0.1"]]
    tried: list[object] = []

    def resolved(*_: Any, **__: Any) -> list[Any]:  # noqa: ANN401 - as the library has it
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in answers.pop(0)]

    def connect(address: object, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as the library has it
        tried.append(address)
        raise OSError("not today")

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(socket, "create_connection", connect)

    with pytest.raises(httpcore.ConnectError):
        GuardedNetwork(HOSTS, 60.0).connect_tcp("files.example.com", 443)

    assert tried == [("10.0.0.5", 443)]
