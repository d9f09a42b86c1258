"""The module that believes every user id, beside a token."""

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.modules.noop_with_token import NoopWithTokenAuthenticator
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import MalformedRequest, Unauthenticated


async def identity_of(*headers: str, user_ids: tuple[str, ...] = ()) -> Identity:
    credentials = Credentials(
        path="/v1/query",
        headers=[("authorization", value) for value in headers],
        query=[("user_id", value) for value in user_ids],
    )
    return await NoopWithTokenAuthenticator().authenticate(credentials)


async def test_the_token_is_kept_and_the_named_user_believed() -> None:
    assert await identity_of("Bearer secret", user_ids=("ada",)) == Identity(
        user_id="ada", username=DEFAULT_USER_NAME, skip_user_id_check=True, token="secret"
    )
    assert (await identity_of("bearer secret")).user_id == DEFAULT_USER_ID


async def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(await identity_of("Bearer secret"))


async def test_without_a_header_the_caller_is_unknown() -> None:
    with pytest.raises(Unauthenticated, match="No Authorization header found"):
        await identity_of(user_ids=("ada",))


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic secret", "secret", "Bearer a b"])
async def test_a_header_without_one_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated, match="No token found in Authorization header"):
        await identity_of(header)


async def test_a_name_that_is_none_is_malformed_and_a_missing_token_is_told_first() -> None:
    with pytest.raises(MalformedRequest, match="user_id cannot be empty"):
        await identity_of("Bearer secret", user_ids=("",))
    with pytest.raises(Unauthenticated):
        await identity_of(user_ids=("",))


@pytest.mark.attack(13)
async def test_two_tokens_or_two_users_are_ambiguous() -> None:
    with pytest.raises(MalformedRequest, match="Ambiguous credentials"):
        await identity_of("Bearer a", "Bearer b")
    with pytest.raises(MalformedRequest, match="Ambiguous credentials"):
        await identity_of("Bearer a", user_ids=("ada", "bob"))
