import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from lightspeed_core.auth.jwt.form import (
    DEEPEST_NESTING,
    LONGEST_TOKEN,
    TokenHeader,
    read_header,
    read_object,
    refuse_long,
)
from lightspeed_core.errors import Unauthenticated


def token_of(header: object) -> str:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return f"{urlsafe_b64encode(text).decode().rstrip('=')}.e30.c2ln"


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_a_header_says_algorithm_key_and_type() -> None:
    header = {"alg": "RS256", "kid": "k", "typ": "JWT", "jku": "https://elsewhere/", "x5c": ["a"]}

    assert read_header(token_of(header)) == TokenHeader(
        algorithm="RS256", key_id="k", token_type="JWT"
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        ".e30.c2ln",
        "e30..c2ln",
        "e3=.e30.c2ln",
        "e3+.e30.c2ln",
        "e3 .e30.c2ln",
        "ü30.e30.c2ln",
        "e.e30.c2ln",
        "e30.e30.c2ln\n",
    ],
)
def test_what_is_no_compact_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated, match="Token could not be decoded"):
        read_header(token)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"5",
        b"{",
        b"\xff\xfe",
        b'{"alg": "RS256", "alg": "none"}',
        b'{"alg": "RS256", "x": {"a": 1, "a": 2}}',
        b'{"alg": "RS256", "x": NaN}',
        b'{"alg": "RS256", "x": -Infinity}',
        b'{"alg": "RS256", "x": ' + b"9" * 5000 + b"}",
        '{"alg": "RS256"}'.encode("utf-16"),
        nested(DEEPEST_NESTING + 1),
        nested(3000),
        b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
@pytest.mark.attack(10)
def test_a_header_that_is_not_strict_json_is_refused(header: bytes) -> None:
    with pytest.raises(Unauthenticated, match="Token could not be decoded"):
        read_header(token_of(header))


@pytest.mark.parametrize(
    "members",
    [
        {"alg": None},
        {"alg": 5},
        {"kid": 5},
        {"kid": ["k"]},
        {"typ": {}},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"crit": ["x"], "x": 1},
    ],
)
def test_a_header_that_cannot_be_heeded_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="Token format error"):
        read_header(token_of({"alg": "RS256", **members}))


def test_nesting_is_read_down_to_its_limit() -> None:
    assert read_object(nested(DEEPEST_NESTING))


@pytest.mark.attack(10)
def test_a_long_token_is_refused_unread() -> None:
    refuse_long("x" * LONGEST_TOKEN)
    with pytest.raises(Unauthenticated):
        refuse_long("x" * (LONGEST_TOKEN + 1))
