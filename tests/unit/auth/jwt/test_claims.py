from typing import Any

import pytest

from lightspeed_core.auth.jwt.claims import LONGEST_NAME, ClaimRules
from lightspeed_core.config.authentication import JwtConfiguration
from lightspeed_core.errors import Unauthenticated
from tests.support.scripted_keys import Clock
from tests.support.tokens import claims_of

NOW = 1_800_000_000


def rules(**settings: Any) -> ClaimRules:
    return ClaimRules(JwtConfiguration(**settings), Clock(NOW).wall)


def cause_of(claims: dict[str, Any], **settings: Any) -> str | None:
    """Return why claims are refused, None when they pass."""
    checked = rules(**settings)
    try:
        checked.check(claims)
        checked.identity_of(claims, "token")
    except Unauthenticated as refusal:
        return refusal.cause
    return None


def timed(**claims: Any) -> dict[str, Any]:
    return claims_of("ada", **{"iat": None, "exp": None, **claims})


@pytest.mark.attack(8)
@pytest.mark.parametrize(
    ("claims", "leeway", "cause"),
    [
        ({"exp": NOW + 1}, 0, None),
        ({"exp": NOW}, 0, "Token has expired"),
        ({"exp": NOW - 59}, 60, None),
        ({"exp": NOW - 60}, 60, "Token has expired"),
        ({"exp": float("inf")}, 0, "Token validation failed"),
        ({"exp": "tomorrow"}, 0, "Token validation failed"),
        ({"exp": True}, 0, "Token validation failed"),
        ({"exp": 10**400}, 0, None),
        ({"nbf": NOW}, 0, None),
        ({"nbf": NOW + 1}, 0, "Token validation failed"),
        ({"nbf": NOW + 60}, 60, None),
        ({"nbf": NOW + 61}, 60, "Token validation failed"),
        ({"iat": NOW + 61}, 60, "Token validation failed"),
        ({"iat": NOW + 60}, 60, None),
        ({"iat": NOW - 10**6}, 0, None),
        ({}, 0, None),
    ],
)
def test_times_are_held_against_the_clock(
    claims: dict[str, Any], leeway: int, cause: str | None
) -> None:
    assert cause_of(timed(**claims), leeway=leeway) == cause


@pytest.mark.attack(7)
@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"iss": "us", "aud": "lcs"}, None),
        ({"iss": "us", "aud": ["other", "lcs"]}, None),
        ({"iss": "us", "aud": ["other"]}, "Token validation failed"),
        ({"iss": "us", "aud": "lcs2"}, "Token validation failed"),
        ({"iss": "us", "aud": []}, "Token validation failed"),
        ({"iss": "us", "aud": {"lcs": 1}}, "Token validation failed"),
        ({"iss": "us", "aud": ["lcs", 5]}, "Token validation failed"),
        ({"iss": "us"}, "Token missing claim: aud"),
        ({"aud": "lcs"}, "Token missing claim: iss"),
        ({"iss": "them", "aud": "lcs"}, "Token validation failed"),
        ({"iss": ["us"], "aud": "lcs"}, "Token validation failed"),
        ({}, "Token missing claim: aud"),
    ],
)
def test_issuer_and_audience_are_checked_where_configured(
    claims: dict[str, Any], cause: str | None
) -> None:
    assert cause_of(timed(**claims), issuer="us", audience="lcs") == cause


def test_issuer_and_audience_are_not_checked_unless_configured() -> None:
    assert cause_of(timed(iss="them", aud=["others"])) is None


def test_an_expired_token_is_called_expired_whatever_else_it_lacks() -> None:
    assert cause_of({"exp": NOW - 1}) == "Token has expired"


@pytest.mark.parametrize("name", ["user_id", "username"])
@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "Token missing claim: {}"),
        ("", "Token validation failed"),
        (" \t", "Token validation failed"),
        ("a\0b", "Token validation failed"),
        ("a\nb", "Token validation failed"),
        ("a\x7fb", "Token validation failed"),
        ("a\x85b", "Token validation failed"),
        ("\ud800", "Token validation failed"),
        ("x" * (LONGEST_NAME + 1), "Token validation failed"),
        ("x" * LONGEST_NAME, None),
        ("Zoë O'Neil <z@example.org>", None),
        (5.5, "Token validation failed"),
        (True, "Token validation failed"),
        (["ada"], "Token validation failed"),
        ({"id": "ada"}, "Token validation failed"),
        (7, None),
        (10**300, "Token validation failed"),
    ],
)
@pytest.mark.attack(7)
def test_who_is_named_must_be_named_by_readable_text(
    name: str, value: Any, cause: str | None
) -> None:
    expected = cause.format(name) if cause else None
    assert cause_of({"user_id": "ada", "username": "Ada", name: value}) == expected


def test_the_identity_has_the_configured_claims() -> None:
    claims = {"sub": 4711, "email": "ada@example.org", "groups": ["a"]}
    identity = rules(user_id_claim="sub", username_claim="email").identity_of(claims, "token")

    assert (identity.user_id, identity.username) == ("4711", "ada@example.org")
    assert (identity.claims, identity.token) == (claims, "token")
    assert not identity.skip_user_id_check
    assert not identity.actions


@pytest.mark.attack(9)
@pytest.mark.parametrize(
    ("token_type", "passes"),
    [
        ("at+jwt", True),
        ("AT+JWT", True),
        ("application/at+jwt", True),
        ("Application/AT+jwt", True),
        ("JWT", False),
        ("text/at+jwt", False),
        ("id_token", False),
        ("", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("configured", ["at+jwt", "application/AT+JWT"])
def test_the_type_is_checked_where_types_are_configured(
    token_type: str | None, passes: bool, configured: str
) -> None:
    checked = rules(token_types=[configured, "x/y"])
    if passes:
        checked.check_type(token_type)
        return
    with pytest.raises(Unauthenticated, match="Token validation failed"):
        checked.check_type(token_type)


@pytest.mark.parametrize("token_type", [None, "", "anything"])
def test_the_type_is_not_checked_unless_types_are_configured(token_type: str | None) -> None:
    rules().check_type(token_type)


def test_how_long_claims_hold_is_known_where_they_have_an_end() -> None:
    assert rules(leeway=5).seconds_left({"exp": NOW + 10}) == 15
    assert rules().seconds_left({}) is None
    assert rules().seconds_left({"exp": 10**400}) == 10**400 - NOW
