"""What goes to a server, and what never does."""

from collections.abc import Mapping
from typing import Any

import pytest

from lightspeed_core.mcp.headers import (
    CallerHeaders,
    ServerHeaders,
    resolve_headers,
    unknown_servers,
)
from lightspeed_core.mcp.models import AuthorizationKind, ServerSource
from lightspeed_core.mcp.servers import ToolServer


def a_server(**about: Any) -> ToolServer:
    named: dict[str, Any] = {"name": "a", "url": "http://a/mcp"}
    return ToolServer(**(named | about))


def resolve(
    server: ToolServer,
    client: Mapping[str, str] | None = None,
    *,
    token: str = "",
    request: Mapping[str, str] | None = None,
    user_id: str = "ann",
) -> ServerHeaders:
    given = {server.name: client} if client else {}
    return resolve_headers(
        server, CallerHeaders(user_id=user_id, token=token, client=given, request=request or {})
    )


ALL = a_server(
    secrets={"X-One": "file", "X-Two": "file"},
    kinds={"Authorization": AuthorizationKind.KUBERNETES},
    forwarded=("x-one", "x-two", "authorization", "x-three"),
)


def test_of_several_values_the_first_in_the_order_counts() -> None:
    request = {"x-one": "request", "x-two": "request", "x-three": "request", "authorization": "r"}
    found = resolve(ALL, {"x-ONE": "client"}, token="t", request=request)
    assert found.values == {
        "x-ONE": "client",
        "X-Two": "file",
        "Authorization": "Bearer t",
        "x-three": "request",
    }
    assert found.missing == ()


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("t0k", "Bearer t0k"),
        ("Bearer t0k", "Bearer t0k"),
        ("bearer  t0k", "bearer t0k"),
        ("Bearer Bearer t0k", "Bearer t0k"),
        ("Basic YTpi", "Basic YTpi"),
        ("ApiKey k", "ApiKey k"),
        ("Bearer Basic YTpi", "Basic YTpi"),
        ('Digest username="a", uri="/"', 'Digest username="a", uri="/"'),
    ],
)
def test_credentials_have_one_scheme(given: str, sent: str) -> None:
    assert resolve(a_server(), {"authorization": given}).values == {"authorization": sent}


def test_other_headers_are_sent_as_they_are() -> None:
    assert resolve(a_server(), {"X-Key": "Bearer Bearer a"}).values == {"X-Key": "Bearer Bearer a"}


@pytest.mark.requirement("mcp.headers")
@pytest.mark.attack(44)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil"),
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Content-Length", "5"),
        ("Proxy-Authorization", "Basic a"),
        ("Mcp-Session-Id", "another-users"),
        ("X A", "a"),
        ("", "a"),
        ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\nb"),
        ("X-A", "a\0b"),
        ("X-A", "ä"),
        ("X-A", ""),
        ("X-A", " a"),
        ("X" * 300, "a"),
        ("X-A", "a" * 40_000),
    ],
)
def test_what_must_not_be_sent_is_refused_by_name(name: str, value: str) -> None:
    found = resolve(a_server(), {name: value, "X-Good": "g"} if len(value) < 999 else {name: value})
    assert name not in found.values
    assert name in found.refused


@pytest.mark.attack(44)
def test_headers_for_one_server_never_reach_another() -> None:
    caller = CallerHeaders(user_id="ann", client={"a": {"X-A": "1"}, "c": {"X-C": "2"}})
    a, b = a_server(), a_server(name="b", url="http://b/mcp")
    assert resolve_headers(a, caller).values == {"X-A": "1"}
    assert resolve_headers(b, caller).values == {}
    assert unknown_servers({"a": a, "b": b}, caller) == ("c",)


def test_a_server_is_also_found_by_its_address() -> None:
    caller = CallerHeaders(user_id="ann", client={"http://a/mcp": {"X-A": "1"}})
    assert resolve_headers(a_server(), caller).values == {"X-A": "1"}
    assert unknown_servers({"a": a_server()}, caller) == ()


@pytest.mark.attack(45)
def test_the_callers_token_goes_only_where_it_is_asked_for() -> None:
    request = {"authorization": "Bearer t"}
    assert resolve(a_server(), token="t", request=request).values == {}
    named = a_server(forwarded=("Authorization",))
    assert resolve(named, token="t", request=request).values == {"Authorization": "Bearer t"}


def test_a_registered_server_gets_credentials_of_who_registered_it_alone() -> None:
    server = a_server(
        source=ServerSource.API,
        registered_by="ann",
        kinds={"Authorization": AuthorizationKind.KUBERNETES},
        forwarded=("x-id",),
    )
    request = {"x-id": "7"}
    hers = resolve(server, token="t", request=request)
    assert hers.values == {"Authorization": "Bearer t", "x-id": "7"}
    others = resolve(server, token="t", request=request, user_id="bob")
    assert others.values == {}
    assert others.missing == ("Authorization",)


def test_what_is_needed_and_not_given_is_missing_but_for_oauth() -> None:
    kinds = {
        "X-Client": AuthorizationKind.CLIENT,
        "X-Token": AuthorizationKind.KUBERNETES,
        "Authorization": AuthorizationKind.OAUTH,
    }
    server = a_server(kinds=kinds, unreadable=("X-File",))
    assert resolve(server).missing == ("X-Client", "X-Token", "X-File")
    assert resolve(server, {"x-client": "c", "x-file": "f"}, token="t").missing == ()


def test_nothing_that_is_printed_holds_a_value() -> None:
    caller = CallerHeaders(user_id="ann", token="s3cret", client={"a": {"X-A": "s3cret"}})
    found = resolve_headers(ALL, caller)
    assert "s3cret" not in f"{caller}{found}{found.digest}"
    assert found.digest != resolve_headers(ALL, CallerHeaders(user_id="ann", token="x")).digest
