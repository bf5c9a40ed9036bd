"""Path templates: the grammar, and filling them."""

from __future__ import annotations

import pytest
from shelfcast_gateway.domain.template import TemplateMalformed, parse_template


@pytest.mark.parametrize(
    ("text", "segments", "variables", "verb"),
    [
        ("/status", ("status",), (), ""),
        ("/api/v1/jobs/{job_id}:cancel", ("api", "v1", "jobs", "*"), ("job_id",), "cancel"),
        ("/v1/{name=shops/*}/x", ("v1", "shops", "*", "x"), ("name",), ""),
        ("/v1/{path=**}", ("v1", "**"), ("path",), ""),
        ("/v1/policies:stockLevel", ("v1", "policies"), (), "stockLevel"),
    ],
)
def test_template_is_taken_apart(
    text: str, segments: tuple[str, ...], variables: tuple[str, ...], verb: str
) -> None:
    template = parse_template(text)

    assert template.segments == segments
    assert tuple(each.field_path for each in template.variables) == variables
    assert template.verb == verb


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "/a/{b",
        "/a/b}",
        "/a/{}",
        "/a/{b=**}/c",
        "/{a}/{a}",
        "/a/{{b}}",
        "/a//b",
        "/a/{1b}",
        "/a:b c",
        "/a/**/b",
    ],
)
def test_malformed_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateMalformed):
        parse_template(text)


def test_expansion_escapes_what_would_change_the_path() -> None:
    template = parse_template("/api/v1/jobs/{job_id}:cancel")

    assert template.expand({"job_id": "a/b:c %"}) == "/api/v1/jobs/a%2Fb%3Ac%20%25:cancel"


def test_expansion_of_the_rest_keeps_slashes() -> None:
    assert parse_template("/files/{path=**}").expand({"path": "a/b"}) == "/files/a/b"
