"""From claims to roles: the operators, their negation, and rules that cannot be judged."""

import logging
import time
from typing import Any

import pytest

from lightspeed_core.auth.measured import Budget, measured
from lightspeed_core.auth.roles import LONGEST_TEXT, SEARCH_SECONDS, RoleRules
from lightspeed_core.config.role_rules import JwtRoleRule


def rule(path: str, operator: str, value: Any, *roles: str, negate: bool = False) -> JwtRoleRule:
    return JwtRoleRule.model_validate(
        {
            "jsonpath": path,
            "operator": operator,
            "value": value,
            "roles": roles or ("r",),
            "negate": negate,
        }
    )


def fits(claims: dict[str, Any], path: str, operator: str, value: Any, *, negate: bool) -> bool:
    return bool(RoleRules([rule(path, operator, value, negate=negate)]).roles_of(claims))


TABLE: list[tuple[dict[str, Any], str, str, Any, bool]] = [
    ({"a": "x"}, "$.a", "equals", "x", False),
    ({"a": "x"}, "$.a", "equals", ["x"], True),
    ({"a": ["x", "y"]}, "$.a", "contains", "x", False),
    ({"a": ["x", "y"]}, "$.a", "contains", ["x", "y"], True),
    ({"a": ["x", "y"]}, "$.a[*]", "contains", "x", True),
    ({"a": "x"}, "$.a", "in", ["x"], False),
    ({"a": "x"}, "$.a", "in", [["x"]], True),
    ({"a": "abc"}, "$.a", "match", "b", True),
    ({"a": "abc"}, "$.a", "match", "^b", False),
    ({"a": ["abc"]}, "$.a", "match", "b", False),
    ({"a": [1, "abc"]}, "$.a[*]", "match", "b", True),
    ({}, "$.a", "equals", ["x"], False),
    ({}, "$.a", "equals", [], True),
    ({"realm": {"roles": ["a", "b"]}}, "$.realm.roles[*]", "equals", ["a", "b"], True),
    ({"x": {"role": "a"}, "y": {"role": "b"}}, "$..role", "contains", "b", True),
    ({"a": {"b": 1}}, "$.a", "equals", [{"b": 1}], True),
    ({"a": ["x", "y", "z"]}, "$.a[1]", "equals", ["y"], True),
    ({"a": ["x", "y", "z"]}, "$.a[1:]", "equals", ["y", "z"], True),
    ({"a": {"b": "x", "c": "y"}}, "$.a.*", "contains", "y", True),
]


@pytest.mark.parametrize(("claims", "path", "operator", "value", "is_true"), TABLE)
def test_matches_are_a_list_that_is_compared_with_the_value(
    claims: dict[str, Any], path: str, operator: str, value: Any, is_true: bool
) -> None:
    assert fits(claims, path, operator, value, negate=False) is is_true
    assert fits(claims, path, operator, value, negate=True) is not is_true


def test_all_rules_that_fit_add_their_roles() -> None:
    rules = RoleRules(
        [
            rule("$.a", "equals", ["x"], "reader", "writer"),
            rule("$.a", "match", ".", "writer", "asker"),
            rule("$.a", "equals", ["y"], "stranger"),
        ]
    )
    assert rules.roles_of({"a": "x"}) == {"reader", "writer", "asker"}


def test_without_rules_there_are_no_roles() -> None:
    assert RoleRules([]).roles_of({"a": "x"}) == frozenset()


@pytest.mark.attack(15)
@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize("pattern", ["(a|aa)+$", "^(a|a)*$"])
def test_a_pattern_that_backtracks_without_end_is_stopped_and_gives_no_roles(
    pattern: str, negate: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rules = RoleRules([rule("$.a[*]", "match", pattern, negate=negate)])
    claims = {"a": ["a" * 64 + "!"] * 100}

    began = time.process_time()
    assert rules.roles_of(claims) == frozenset()

    # The bound is for all texts together, and a hundred would need ten seconds each on its own.
    assert time.process_time() - began < SEARCH_SECONDS * 20
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert line.getMessage() == "role rule not judged, it gives no roles rule=0 error=TimeoutError"


HOSTILE_PATHS = [
    "$..*..*..*",
    "$[*].$[*].$[*].$[*].$[*].$[*]",
    "$[*].`parent`[*].`parent`[*].`parent`[*].`parent`[*]",
    "$..* where $..* where $..*",
    "$" + "['c','c']" * 40,
]


def nested(depth: int) -> dict[str, Any]:
    claims: dict[str, Any] = {f"k{number}": [number] * 3 for number in range(60)}
    return claims | ({"c": nested(depth - 1)} if depth else {})


@pytest.mark.attack(15)
@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_path_that_multiplies_its_steps_comes_to_an_end_and_gives_no_roles(
    path: str, negate: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rules = RoleRules([rule(path, "equals", ["x"], negate=negate)])

    began = time.process_time()
    assert rules.roles_of(nested(40)) == frozenset()

    assert time.process_time() - began < 5
    assert "error=RuntimeError" in caplog.records[0].getMessage()


@pytest.mark.attack(15)
@pytest.mark.filterwarnings("ignore:The `&`:DeprecationWarning")
@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize(
    ("claims", "path", "operator", "value"),
    [
        ({"a": "x" * (LONGEST_TEXT + 1)}, "$.a", "match", "y"),
        ({"a": "x"}, "$.a & $.b", "equals", ["x"]),
    ],
    ids=["a long text", "an operator that the library only parses"],
)
def test_a_rule_that_cannot_be_judged_gives_no_roles_negated_or_not(
    claims: dict[str, Any], path: str, operator: str, value: Any, negate: bool
) -> None:
    assert not fits(claims, path, operator, value, negate=negate)


def test_claims_of_any_depth_are_judged_or_not_and_never_fail() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert not fits(deep, "$.b", "equals", ["x"], negate=True)


@pytest.mark.filterwarnings("ignore:The `&`:DeprecationWarning")
def test_a_rule_that_fails_leaves_the_others_as_they_are() -> None:
    rules = RoleRules([rule("$.a & $.b", "equals", []), rule("$.a", "equals", ["x"], "reader")])
    assert rules.roles_of({"a": "x"}) == {"reader"}


def test_measured_claims_are_what_they_were() -> None:
    claims: dict[str, Any] = {"a": [1, {"b": None}], "c": "d", "e": {}}
    assert measured(claims, Budget(100)) == claims
