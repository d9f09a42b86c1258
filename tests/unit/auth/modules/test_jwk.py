"""The module that believes what a key of the key server has signed."""

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.jwt.cache import FRESH_SECONDS, STALE_SECONDS
from lightspeed_core.auth.jwt.form import LONGEST_TOKEN
from lightspeed_core.auth.modules.jwk import JwkAuthenticator, judging_by
from lightspeed_core.config.authentication import ASYMMETRIC_ALGORITHMS, JwtConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import (
    AuthenticationUnavailable,
    MalformedRequest,
    Unauthenticated,
)
from tests.support.scripted_keys import Clock, ScriptedKeys, judged_by
from tests.support.tokens import TokenKey, claims_of, token_key

RSA, ELLIPTIC, OTHER = (
    token_key("rsa", "RS256"),
    token_key("elliptic", "ES256"),
    token_key("other", "ES256"),
)
UNKNOWN = "Token signed by unknown key"
UNREADABLE = "Token could not be decoded"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> ScriptedKeys:
    return ScriptedKeys(RSA, ELLIPTIC)


@pytest.fixture
async def module(source: ScriptedKeys, clock: Clock) -> AsyncGenerator[JwkAuthenticator]:
    async with judged_by(source, clock) as authenticator:
        yield authenticator


def claims(clock: Clock, user: str = "ada", **more: Any) -> dict[str, Any]:
    return claims_of(user, **{"iat": clock.wall(), "exp": clock.wall() + 300, **more})


def bearing(*authorization: str) -> Credentials:
    return Credentials(
        path="/v1/query", headers=[("authorization", value) for value in authorization]
    )


async def identity_of(module: JwkAuthenticator, token: str) -> Identity:
    return await module.authenticate(bearing(f"Bearer {token}"))


async def cause_of(module: JwkAuthenticator, token: str) -> str:
    """Return why a token is refused."""
    with pytest.raises(Unauthenticated) as refusal:
        await identity_of(module, token)
    return refusal.value.cause


def forged(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


async def test_a_signed_token_names_the_caller(module: JwkAuthenticator, clock: Clock) -> None:
    said = claims(clock, groups=["staff"])
    token = RSA.sign(said)

    assert await identity_of(module, token) == Identity(
        user_id="ada", username="ada's name", token=token, claims=said
    )


@pytest.mark.parametrize("algorithm", ASYMMETRIC_ALGORITHMS)
async def test_every_asymmetric_algorithm_is_served(algorithm: str, clock: Clock) -> None:
    key = token_key("k", algorithm)
    async with judged_by(ScriptedKeys(key), clock) as module:
        assert (await identity_of(module, key.sign(claims(clock)))).user_id == "ada"


@pytest.mark.parametrize(
    ("authorization", "cause"),
    [
        ((), "No Authorization header found"),
        (("Basic YTpi",), "No token found in Authorization header"),
        (("Bearer",), "No token found in Authorization header"),
        (("Bearer a b",), "No token found in Authorization header"),
    ],
)
async def test_without_a_token_nobody_is_known(
    module: JwkAuthenticator, source: ScriptedKeys, authorization: tuple[str, ...], cause: str
) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await module.authenticate(bearing(*authorization))
    assert refusal.value.cause == cause
    assert source.fetches == 0


@pytest.mark.attack(13)
async def test_two_tokens_in_one_request_are_refused(
    module: JwkAuthenticator, clock: Clock
) -> None:
    token = f"Bearer {RSA.sign(claims(clock))}"
    with pytest.raises(MalformedRequest):
        await module.authenticate(bearing(token, token))


@pytest.mark.attack(1)
@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("kid", [{}, {"kid": "rsa"}])
async def test_a_token_without_a_signature_is_refused(
    module: JwkAuthenticator, clock: Clock, name: str, kid: dict[str, str]
) -> None:
    token = forged({"alg": name, **kid}, claims(clock))

    assert await cause_of(module, token) == UNKNOWN
    assert await cause_of(module, token + "c2ln") == UNKNOWN


@pytest.mark.attack(2)
@pytest.mark.parametrize("algorithms", [None, ("RS256", "HS256"), ("HS256",)])
@pytest.mark.parametrize("kid", [{}, {"kid": "rsa"}])
async def test_a_public_key_is_no_shared_secret(
    clock: Clock, algorithms: tuple[str, ...] | None, kid: dict[str, str]
) -> None:
    public = json.dumps(RSA.published()).encode()
    token = jws.serialize_compact(
        {"alg": "HS256", **kid},
        json.dumps(claims(clock)).encode(),
        OctKey.import_key(public),
        ["HS256"],
    )
    settings = JwtConfiguration(algorithms=algorithms)

    async with judged_by(ScriptedKeys(RSA, algorithms=algorithms), clock, settings) as module:
        assert await cause_of(module, token) == UNKNOWN


@pytest.mark.attack(3)
async def test_an_algorithm_that_is_not_configured_is_refused(clock: Clock) -> None:
    source = ScriptedKeys(RSA, ELLIPTIC, algorithms=("ES256",))
    async with judged_by(source, clock) as module:
        assert await cause_of(module, RSA.sign(claims(clock))) == UNKNOWN
        assert (await identity_of(module, ELLIPTIC.sign(claims(clock)))).user_id == "ada"


@pytest.mark.attack(3)
async def test_another_algorithm_than_the_keys_own_is_refused(
    module: JwkAuthenticator, clock: Clock
) -> None:
    other = TokenKey(RSA.key, "PS256", "rsa")

    assert await cause_of(module, other.sign(claims(clock))) == UNKNOWN


async def test_a_shared_secret_serves_where_it_is_configured(clock: Clock) -> None:
    secret = token_key("secret", "HS256")
    token = secret.sign(claims(clock))
    async with judged_by(ScriptedKeys(secret, algorithms=("HS256",)), clock) as module:
        assert (await identity_of(module, token)).user_id == "ada"
    async with judged_by(ScriptedKeys(secret), clock) as module:
        assert await cause_of(module, token) == UNKNOWN


@pytest.mark.attack(4)
async def test_tokens_of_unknown_keys_cost_one_fetch(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    for number in range(1000):
        token = TokenKey(OTHER.key, "ES256", f"unknown-{number}").sign(claims(clock))
        assert await cause_of(module, token) == UNKNOWN
    assert source.fetches == 2


async def test_a_new_key_is_known_at_its_first_token(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    await identity_of(module, RSA.sign(claims(clock)))
    source.publish(RSA, OTHER)

    assert (await identity_of(module, OTHER.sign(claims(clock, "bob")))).user_id == "bob"
    assert source.fetches == 2


@pytest.mark.attack(5)
@pytest.mark.parametrize(
    "kid",
    [
        "../../../../etc/passwd",
        "file:///dev/null",
        "rsa' OR '1'='1",
        "'; DROP TABLE users; --",
        "rsa\0",
        " rsa",
        "RSA",
        "https://elsewhere.example/keys",
        "",
    ],
)
async def test_a_key_id_is_compared_as_text_and_nothing_else(
    module: JwkAuthenticator, clock: Clock, kid: str
) -> None:
    token = RSA.sign(claims(clock), header={"kid": kid})

    assert await cause_of(module, token) == UNKNOWN


@pytest.mark.attack(6)
@pytest.mark.parametrize(
    "members",
    [
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/certificate"},
        {"jwk": OTHER.published()},
        {"x5c": ["MIIB"]},
        {"x5t": "abc"},
    ],
)
async def test_where_a_token_says_its_key_is_matters_not(
    module: JwkAuthenticator, clock: Clock, members: dict[str, Any]
) -> None:
    assert await cause_of(module, OTHER.sign(claims(clock), header=members)) == UNKNOWN
    claimed = {**members, "kid": "elliptic"}
    token = OTHER.sign(claims(clock), header=claimed)
    assert await cause_of(module, token) == "Invalid token signature"
    ours = ELLIPTIC.sign(claims(clock), header=members)
    assert (await identity_of(module, ours)).user_id == "ada"


async def test_a_critical_extension_is_refused(module: JwkAuthenticator, clock: Clock) -> None:
    header = {"alg": "ES256", "kid": "elliptic", "crit": ["exp"], "exp": 1}

    assert await cause_of(module, forged(header, claims(clock), b"x")) == "Token format error"


async def test_a_token_without_a_key_id_is_held_against_the_first_key_of_its_algorithm(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    source.publish(ELLIPTIC, OTHER)

    unnamed = ELLIPTIC.sign(claims(clock), header={"kid": None})
    assert (await identity_of(module, unnamed)).user_id == "ada"
    second = OTHER.sign(claims(clock), header={"kid": None})
    assert await cause_of(module, second) == "Invalid token signature"


async def test_a_token_that_was_changed_is_refused(module: JwkAuthenticator, clock: Clock) -> None:
    header, _, signature = RSA.sign(claims(clock)).split(".")
    payload = forged({}, claims(clock, "root")).split(".")[1]

    cause = await cause_of(module, f"{header}.{payload}.{signature}")
    assert cause == "Invalid token signature"


@pytest.mark.attack(10)
@pytest.mark.parametrize(
    "payload",
    [
        b'{"user_id": "ada", "username": "a", "user_id": "root"}',
        b'{"user_id": "ada", "username": "a", "x": NaN}',
        b'{"user_id": "ada", "username": "a", "x": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'["user_id"]',
        b"\xff",
        b"",
    ],
)
async def test_signed_claims_that_are_not_strict_json_are_refused(
    module: JwkAuthenticator, payload: bytes
) -> None:
    token = jws.serialize_compact({"alg": "ES256", "kid": "elliptic"}, payload, ELLIPTIC.key)

    assert await cause_of(module, token) == UNREADABLE


@pytest.mark.attack(10)
async def test_a_token_that_is_too_long_is_refused_unread(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    long = RSA.sign(claims(clock, filling="x" * LONGEST_TOKEN))

    assert await cause_of(module, long) == UNREADABLE
    assert await cause_of(module, "x" * 1_000_000) == UNREADABLE
    assert source.fetches == 0


@pytest.mark.attack(11)
async def test_without_keys_a_good_token_is_not_refused_but_unanswered(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    source.down = "Unable to reach authentication key server"
    with pytest.raises(AuthenticationUnavailable) as refusal:
        await identity_of(module, RSA.sign(claims(clock)))
    assert refusal.value.message == "Unable to connect to authentication key server"
    assert await cause_of(module, "garbage") == UNREADABLE


@pytest.mark.attack(11)
async def test_a_verdict_ends_when_the_keys_may_serve_no_longer(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    token = RSA.sign(claims(clock, exp=None))
    await identity_of(module, token)
    source.down = "down"
    clock.at += STALE_SECONDS - 30
    await identity_of(module, token)
    clock.at += 30

    with pytest.raises(AuthenticationUnavailable):
        await identity_of(module, token)


async def test_a_token_is_judged_once_while_its_verdict_stands(
    module: JwkAuthenticator, clock: Clock
) -> None:
    token = RSA.sign(claims(clock))

    assert await identity_of(module, token) is await identity_of(module, token)


async def test_a_verdict_ends_with_its_token(module: JwkAuthenticator, clock: Clock) -> None:
    token = RSA.sign(claims(clock, exp=clock.wall() + 10))
    await identity_of(module, token)
    clock.at += 10

    assert await cause_of(module, token) == "Token has expired"


async def test_a_key_that_is_withdrawn_ends_the_verdicts_over_its_tokens(
    module: JwkAuthenticator, source: ScriptedKeys, clock: Clock
) -> None:
    token = RSA.sign(claims(clock, exp=None))
    clock.at += FRESH_SECONDS - 1
    await identity_of(module, token)
    source.publish(OTHER)
    await identity_of(module, OTHER.sign(claims(clock)))

    assert await cause_of(module, token) == UNKNOWN


async def test_the_configuration_says_what_is_demanded(clock: Clock) -> None:
    settings = JwtConfiguration(
        user_id_claim="sub", username_claim="email", audience="lcs", token_types=("at+jwt",)
    )
    said = {"sub": "1", "email": "a@b", "aud": ["lcs"]}
    async with judged_by(ScriptedKeys(RSA), clock, settings) as module:
        access = RSA.sign(said, header={"typ": "at+jwt"})
        assert (await identity_of(module, access)).username == "a@b"
        assert await cause_of(module, RSA.sign(said)) == "Token validation failed"
        lacking = RSA.sign({"sub": "1", "aud": "lcs"}, header={"typ": "at+jwt"})
        assert await cause_of(module, lacking) == "Token missing claim: email"


async def test_the_first_fetch_begins_when_the_module_is_opened(source: ScriptedKeys) -> None:
    async with judging_by(source, JwtConfiguration()) as module:
        assert (await identity_of(module, RSA.sign())).user_id == "ada"
        assert source.fetches == 1


SEGMENTS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("alg", "kid", "typ", "crit", "b64", "jku", "x5c")
HEADERS = st.dictionaries(
    st.sampled_from(NAMES), JSON | st.sampled_from(["ES256", "elliptic", "none", "HS256"])
)


@given(
    st.binary(max_size=200).map(lambda octets: octets.decode("latin-1"))
    | st.lists(SEGMENTS, min_size=1, max_size=5).map(".".join)
    | st.builds(forged, HEADERS, st.dictionaries(st.text(), JSON, max_size=3), st.binary())
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_forgery_gives_anything_but_a_refusal(
    module: JwkAuthenticator, token: str
) -> None:
    with pytest.raises((Unauthenticated, MalformedRequest)):
        await identity_of(module, token)


@given(st.dictionaries(st.sampled_from(("exp", "nbf", "iat", "sub", "jti", "user_id")), JSON))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_signed_gives_a_caller_or_a_refusal(
    module: JwkAuthenticator, said: dict[str, Any]
) -> None:
    try:
        identity = await identity_of(module, ELLIPTIC.sign({"username": "a", **said}))
    except Unauthenticated:
        return
    assert identity.user_id == str(said["user_id"])
