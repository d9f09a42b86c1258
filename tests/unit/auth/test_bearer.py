"""The token of the Authorization header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.auth.bearer import bearer_token
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.errors import MalformedRequest, Unauthenticated


def token_of(*headers: str) -> str:
    pairs = [("authorization", header) for header in headers]
    return bearer_token(Credentials(path="/", headers=pairs))


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER   abc "])
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    assert token_of(header) == "abc"


def test_no_header_is_told_apart_from_a_header_without_a_token() -> None:
    with pytest.raises(Unauthenticated, match="No Authorization header found"):
        token_of()


@pytest.mark.parametrize(
    "header", ["", " ", "Bearer", "Bearer ", "abc", "Basic abc", "Bearer a b", "Bearer a, Bearer b"]
)
def test_anything_but_one_token_is_none(header: str) -> None:
    with pytest.raises(Unauthenticated, match="No token found in Authorization header"):
        token_of(header)


def test_two_headers_are_ambiguous() -> None:
    with pytest.raises(MalformedRequest, match="authorization was sent 2 times"):
        token_of("Bearer a", "Bearer a")


@given(header=st.text())
def test_any_text_gives_a_token_without_blanks_or_is_refused(header: str) -> None:
    try:
        token = token_of(header)
    except Unauthenticated:
        return
    assert token
    assert not any(character.isspace() for character in token)
