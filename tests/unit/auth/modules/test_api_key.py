"""The module with one key for all."""

import ast
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.modules import api_key
from lightspeed_core.auth.modules.api_key import ApiKeyAuthenticator
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import MalformedRequest, Unauthenticated

KEY = "s3cr3t-Schlüssel"


def as_sent(key: str) -> str:
    """Return a key as a server decodes the bytes of a header."""
    return key.encode().decode("latin-1")


async def identity_of(*headers: str) -> Identity:
    credentials = Credentials(
        path="/v1/query", headers=[("authorization", value) for value in headers]
    )
    return await ApiKeyAuthenticator(SecretStr(KEY)).authenticate(credentials)


async def test_whoever_has_the_key_is_the_default_user() -> None:
    assert await identity_of(f"Bearer {as_sent(KEY)}") == Identity(
        user_id=DEFAULT_USER_ID, username=DEFAULT_USER_NAME, skip_user_id_check=True
    )


async def test_the_key_is_not_kept_as_a_token() -> None:
    assert (await identity_of(f"Bearer {as_sent(KEY)}")).token == ""


@pytest.mark.attack(18)
@given(
    key=st.text(st.characters(blacklist_categories=["Z", "C"]), min_size=1).filter(
        lambda key: key != as_sent(KEY)
    )
)
async def test_every_other_key_is_refused(key: str) -> None:
    with pytest.raises(Unauthenticated, match="Invalid API Key"):
        await identity_of(f"Bearer {key}")


@pytest.mark.attack(18)
@pytest.mark.parametrize("key", [KEY[:-1], KEY + "x", KEY.upper(), KEY[::-1]])
async def test_a_key_that_is_nearly_right_is_refused(key: str) -> None:
    with pytest.raises(Unauthenticated, match="Invalid API Key"):
        await identity_of(f"Bearer {as_sent(key)}")


@pytest.mark.attack(18)
def test_keys_are_compared_in_constant_time_and_by_digests_of_one_length() -> None:
    module = ast.parse(inspect.getsource(api_key))
    calls = [ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Call)]
    comparisons = [node for node in ast.walk(module) if isinstance(node, ast.Compare)]

    assert "hmac.compare_digest(sent, self._expected)" in calls
    assert {"_digest(token.encode('latin-1', 'replace'))", "hashlib.sha256(key)"} <= set(calls)
    assert comparisons == []


async def test_no_key_is_told_apart_from_a_wrong_one() -> None:
    with pytest.raises(Unauthenticated, match="No Authorization header found"):
        await identity_of()


@pytest.mark.attack(13)
async def test_two_keys_are_ambiguous_even_when_one_is_right() -> None:
    with pytest.raises(MalformedRequest, match="Ambiguous credentials"):
        await identity_of(f"Bearer {as_sent(KEY)}", "Bearer wrong")
