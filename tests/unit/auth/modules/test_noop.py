"""The module that believes every user id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import MalformedRequest


async def identity_of(**query: str) -> Identity:
    credentials = Credentials(
        path="/v1/query", headers=[("authorization", "Bearer ignored")], query=query.items()
    )
    return await NoopAuthenticator().authenticate(credentials)


async def test_without_a_name_the_caller_is_the_default_user() -> None:
    assert await identity_of() == Identity(
        user_id=DEFAULT_USER_ID, username=DEFAULT_USER_NAME, skip_user_id_check=True
    )


@given(user_id=st.text(min_size=1).filter(lambda text: "\0" not in text))
async def test_any_name_is_believed(user_id: str) -> None:
    assert (await identity_of(user_id=user_id)).user_id == user_id


@pytest.mark.parametrize("user_id", ["", "a\0b"])
async def test_a_name_that_is_none_is_malformed(user_id: str) -> None:
    with pytest.raises(MalformedRequest, match="user_id cannot"):
        await identity_of(user_id=user_id)


async def test_a_token_is_not_kept() -> None:
    assert (await identity_of()).token == ""
