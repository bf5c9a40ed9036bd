"""The signpost: which path leads where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_gateway.domain.binding import Access, Binding, Call, Verb
from shelfcast_gateway.domain.route_table import (
    Match,
    NotAllowed,
    PathUnreadable,
    RouteDoubled,
    RouteTable,
)
from shelfcast_gateway.domain.template import parse_template


def route(verb: Verb, template: str, rpc: str = "") -> Binding:
    """Give a binding for a route."""
    return Binding(
        rpc or f"{verb} {template}", verb, parse_template(template), "", Access("x.read"), Call(1.0)
    )


TABLE = RouteTable(
    [
        route("GET", "/forecast/{product_id}"),
        route("GET", "/forecast/batch"),
        route("POST", "/forecast/retrain"),
        route("GET", "/status"),
        route("GET", "/status/{job_id}"),
        route("GET", "/jobs/{job_id}"),
        route("POST", "/jobs/{job_id}:cancel"),
        route("GET", "/files/{path=**}"),
        route("GET", "/shops/{shop_id}/products"),
        route("GET", "/shops/north/stock"),
    ]
)


def found(method: str, path: bytes) -> tuple[str, dict[str, str]]:
    """Give the RPC and the variables of a path that matches."""
    match = TABLE.match(method, path)
    assert isinstance(match, Match), match
    return match.binding.rpc, dict(match.variables)


@pytest.mark.parametrize(
    ("path", "rpc", "variables"),
    [
        (b"/forecast/batch", "GET /forecast/batch", {}),
        (b"/forecast/oat", "GET /forecast/{product_id}", {"product_id": "oat"}),
        (b"/forecast/b%61tch", "GET /forecast/batch", {}),
        (b"/forecast/a%2Fb", "GET /forecast/{product_id}", {"product_id": "a/b"}),
        (b"/forecast/a%3Acancel", "GET /forecast/{product_id}", {"product_id": "a:cancel"}),
        (b"/forecast/100%25", "GET /forecast/{product_id}", {"product_id": "100%"}),
        (b"/forecast/a:b", "GET /forecast/{product_id}", {"product_id": "a:b"}),
        (b"/forecast/a:cancel", "GET /forecast/{product_id}", {"product_id": "a:cancel"}),
        (b"/forecast/a+b", "GET /forecast/{product_id}", {"product_id": "a+b"}),
        (b"/status", "GET /status", {}),
        (b"/status/7", "GET /status/{job_id}", {"job_id": "7"}),
        (b"/files/a/b%2Fc", "GET /files/{path=**}", {"path": "a/b/c"}),
        (b"/shops/north/products", "GET /shops/{shop_id}/products", {"shop_id": "north"}),
    ],
)
def test_path_leads_to_its_route(path: bytes, rpc: str, variables: dict[str, str]) -> None:
    assert found("GET", path) == (rpc, variables)


def test_head_is_get() -> None:
    assert found("HEAD", b"/status")[0] == "GET /status"


def test_verb_is_no_part_of_an_id() -> None:
    assert found("POST", b"/jobs/7:cancel")[1] == {"job_id": "7"}
    assert TABLE.match("GET", b"/jobs/7:cancel") == NotAllowed(("POST",))


def test_literal_decides_before_the_method() -> None:
    assert TABLE.match("GET", b"/forecast/retrain") == NotAllowed(("POST",))


@pytest.mark.parametrize("path", [b"/", b"", b"x", b"/forecast/", b"/forecast", b"/status/7/8", b"/Status"])
def test_other_paths_lead_nowhere(path: bytes) -> None:
    assert TABLE.match("GET", path) is None


def test_path_that_is_no_utf8_is_unreadable() -> None:
    with pytest.raises(PathUnreadable):
        TABLE.match("GET", b"/forecast/%FF")


def test_two_rules_of_equal_shape_are_refused() -> None:
    with pytest.raises(RouteDoubled):
        RouteTable([route("GET", "/a/{b}"), route("GET", "/a/{c}", "other")])


def test_literals_beside_variables_are_reserved() -> None:
    assert {"batch", "retrain", "north"} <= TABLE.reserved_ids()


@given(st.text(min_size=1).filter(lambda text: text not in {"batch", "retrain"}))
def test_any_id_survives_the_path(product_id: str) -> None:
    try:
        product_id.encode()
    except UnicodeEncodeError:
        return
    template = parse_template("/forecast/{product_id}")

    path = template.expand({"product_id": product_id}).encode()

    assert found("GET", path) == ("GET /forecast/{product_id}", {"product_id": product_id})
