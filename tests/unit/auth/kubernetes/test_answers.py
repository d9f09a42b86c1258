"""Answers of a Kubernetes API are a yes only when they say so plainly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.auth.kubernetes.answers import (
    UnreadableAnswer,
    cluster_id_in,
    is_allowed_in,
    user_in,
)
from lightspeed_core.auth.kubernetes.api import KubernetesUser

ADA = {"username": "ada", "uid": "u-1", "groups": ["g"], "extra": {"scopes": ["a", "b"]}}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def reviewed(**status: Any) -> bytes:
    return json.dumps({"kind": "TokenReview", "status": status}).encode()


def test_an_accepted_token_gives_its_user() -> None:
    assert user_in(reviewed(authenticated=True, user=ADA)) == KubernetesUser(
        username="ada", uid="u-1", groups=("g",), extra={"scopes": ("a", "b")}
    )


def test_a_user_may_have_a_name_alone() -> None:
    body = reviewed(authenticated=True, user={"username": "ada", "uid": "", "groups": None})
    assert user_in(body) == KubernetesUser(username="ada")


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    "status", [{}, {"authenticated": False, "user": ADA}, {"user": ADA, "error": "expired"}]
)
def test_a_token_that_is_not_said_to_be_accepted_has_no_user(status: dict[str, Any]) -> None:
    assert user_in(reviewed(**status)) is None


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    "status",
    [
        {"authenticated": "true", "user": ADA},
        {"authenticated": 1, "user": ADA},
        {"authenticated": None, "user": ADA},
        {"authenticated": True},
        {"authenticated": True, "user": "ada"},
        {"authenticated": True, "user": ADA | {"username": " "}},
        {"authenticated": True, "user": ADA | {"username": 7}},
        {"authenticated": True, "user": ADA | {"uid": 7}},
        {"authenticated": True, "user": ADA | {"uid": "a\0b"}},
        {"authenticated": True, "user": ADA | {"groups": "g"}},
        {"authenticated": True, "user": ADA | {"groups": [1]}},
        {"authenticated": True, "user": ADA | {"extra": {"scopes": "a"}}},
        {"authenticated": True, "user": ADA | {"extra": ["a"]}},
    ],
)
def test_a_review_that_is_malformed_is_unreadable(status: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer):
        user_in(reviewed(**status))


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b'{"status": null}', b'{"kind": "TokenReview"}']
)
def test_what_is_no_review_is_unreadable(body: bytes) -> None:
    for read in (user_in, is_allowed_in, cluster_id_in):
        with pytest.raises(UnreadableAnswer):
            read(body)


@pytest.mark.attack(14)
@given(status=anything)
def test_nothing_but_true_is_a_yes(status: Any) -> None:
    body = json.dumps({"status": status, "spec": status}).encode()
    for read in (user_in, is_allowed_in):
        try:
            answer = read(body)
        except UnreadableAnswer:
            continue
        assert not answer


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"allowed": True}, True),
        ({"allowed": True, "denied": False, "reason": "RBAC"}, True),
        ({"allowed": False}, False),
        ({"allowed": False, "evaluationError": "role not found"}, False),
        ({"allowed": True, "denied": True}, False),
    ],
)
def test_access_is_allowed_when_it_is_and_nothing_denies_it(
    status: dict[str, Any], expected: bool
) -> None:
    assert is_allowed_in(reviewed(**status)) is expected


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    "status", [{}, {"allowed": "true"}, {"allowed": 1}, {"allowed": True, "denied": "no"}]
)
def test_access_that_is_not_plainly_told_is_unreadable(status: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer):
        is_allowed_in(reviewed(**status))


def test_the_id_of_a_cluster_is_read() -> None:
    assert cluster_id_in(b'{"spec": {"clusterID": "abc"}}') == "abc"


@pytest.mark.parametrize("spec", [{}, {"clusterID": ""}, {"clusterID": 5}, {"clusterID": None}])
def test_a_cluster_without_an_id_is_unreadable(spec: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer):
        cluster_id_in(json.dumps({"spec": spec}).encode())
