import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey, RSAKey

from lightspeed_core.auth.jwt.keys import MOST_KEYS, KeySet, MalformedKeys, read_key_set
from lightspeed_core.config.authentication import ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS
from tests.support.tokens import token_key

ALL = (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS)


def key_set(*entries: Any, allowed: tuple[str, ...] | None = None) -> KeySet:
    return read_key_set(json.dumps({"keys": entries}).encode(), allowed)


def algorithms(*entries: Any, allowed: tuple[str, ...] | None = None) -> list[set[str]]:
    return [set(key.algorithms) for key in key_set(*entries, allowed=allowed).keys]


@pytest.mark.parametrize("algorithm", ASYMMETRIC_ALGORITHMS)
def test_a_key_is_good_for_its_own_algorithm(algorithm: str) -> None:
    assert algorithms(token_key("k", algorithm).published()) == [{algorithm}]


def test_a_shared_secret_is_no_key_unless_its_algorithm_is_configured() -> None:
    entry = token_key("k", "HS256").published()

    assert algorithms(entry) == []
    assert algorithms(entry, allowed=("RS256", "HS256")) == [{"HS256"}]
    assert algorithms(entry, allowed=("RS256",)) == []


def test_a_key_without_an_algorithm_needs_a_configured_one_that_fits_it() -> None:
    entry = token_key("k", "ES256").published(alg=None)

    assert algorithms(entry) == []
    assert algorithms(entry, allowed=ALL) == [{"ES256"}]
    assert algorithms(entry, allowed=("RS256", "HS256", "ES384")) == []


def test_an_rsa_key_is_never_a_shared_secret() -> None:
    entry = token_key("k", "RS256").published(alg=None)

    assert algorithms(entry, allowed=SYMMETRIC_ALGORITHMS) == []
    assert algorithms({**entry, "alg": "HS256"}, allowed=ALL) == []


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"use": []},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kid": 5},
        {"alg": "none"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"alg": "ES384"},
        {"kty": "RSA"},
        {"kty": ["EC"]},
        {"kty": None},
        {"crv": "P-384"},
        {"x": None},
        {"x": "AAAA"},
        {"x": "!"},
        {"y": 5},
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(
    members: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    good, other = token_key("k", "ES256").published(), token_key("o", "RS256").published()

    with caplog.at_level(logging.WARNING):
        keys = key_set({**good, **members}, other).keys

    assert [key.key_id for key in keys] == ["o"]
    assert "keys of the key server were left out" in caplog.text


def test_a_short_key_is_left_out() -> None:
    with pytest.warns(UserWarning):
        short = RSAKey.generate_key(1024).as_dict(private=False, alg="RS256", kid="short")
    secret = OctKey.generate_key(248).as_dict(alg="HS256")

    assert algorithms(short, secret, allowed=ALL) == []


def test_what_else_an_entry_holds_is_not_looked_at() -> None:
    entry = token_key("k", "ES256").published(x5u=5, x5c="no", x5t=[], d="never", extra=None)

    assert algorithms(entry) == [{"ES256"}]
    assert not key_set(entry).keys[0].key.is_private


def test_a_key_is_found_by_id_and_algorithm_or_by_algorithm_alone() -> None:
    first, second = token_key("a", "ES256"), token_key("b", "ES256")
    keys = key_set(first.published(), second.published(), token_key("a", "RS256").published())

    def found(algorithm: str, key_id: str | None) -> tuple[str | None, set[str]] | None:
        key = keys.find(algorithm, key_id)
        return (key.key_id, set(key.algorithms)) if key else None

    assert found("ES256", "b") == ("b", {"ES256"})
    assert found("RS256", "a") == ("a", {"RS256"})
    assert found("ES256", None) == ("a", {"ES256"})
    assert found("RS256", "b") is None
    assert found("none", "a") is None
    assert found("ES256", "") is None


def test_two_keys_of_one_id_are_not_told_apart() -> None:
    entry = token_key("a", "ES256").published()

    assert key_set(entry, entry).find("ES256", "a") is None


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"nonsense", b'{"keys": {}}', b'{"keys": null}', b"5", b"\xff"],
)
def test_what_is_no_key_set_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(MalformedKeys):
        read_key_set(text, None)


def test_a_set_of_too_many_keys_is_refused() -> None:
    with pytest.raises(MalformedKeys):
        key_set(*[{}] * (MOST_KEYS + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["EC", "RSA", "oct"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ("kty", "n", "e", "crv", "x", "y", "k", "use", "key_ops", "alg", "kid")


@given(st.lists(JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON), max_size=3))
def test_whatever_a_key_server_lists_hides_no_good_key(entries: list[Any]) -> None:
    good = token_key("k", "ES256")

    keys = key_set(*entries, good.published(), allowed=("ES256",)).keys

    assert [key.key_id for key in keys][-1:] == ["k"]
