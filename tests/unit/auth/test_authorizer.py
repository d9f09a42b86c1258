"""What callers may do, with access rules and without."""

from collections.abc import Mapping
from typing import Any

import pytest

from lightspeed_core.auth.authorizer import OpenAuthorizer, RuleAuthorizer
from lightspeed_core.config.authorization import AccessRule, Action
from lightspeed_core.domain.identity import Identity

ON_OTHERS = {
    "list_other_conversations",
    "read_other_conversations",
    "query_other_conversations",
    "delete_other_conversations",
}
RULES = (
    AccessRule(role="*", actions=(Action.INFO,)),
    AccessRule(role="asker", actions=(Action.QUERY,)),
    AccessRule(role="asker", actions=(Action.STREAMING_QUERY,)),
    AccessRule(role="helper", actions=(Action.READ_OTHER_CONVERSATIONS,)),
    AccessRule(role="keeper", actions=(Action.ADMIN,)),
)


class CountingRoles:
    """Takes the roles from the claim of that name, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def roles_of(self, claims: Mapping[str, Any]) -> frozenset[str]:
        self.asked += 1
        return frozenset(claims["roles"])


def caller(**claims: Any) -> Identity:
    return Identity(user_id="ada", username="Ada", claims=claims)


def granted(*roles: str) -> frozenset[str]:
    return RuleAuthorizer(RULES, CountingRoles().roles_of).actions_of(caller(roles=roles))


@pytest.mark.parametrize("action", Action)
def test_everything_is_allowed_but_the_conversations_of_others(action: Action) -> None:
    granted = OpenAuthorizer().actions_of(caller())
    assert (action in granted) == (action.value not in ON_OTHERS)


def test_the_actions_on_others_are_all_known() -> None:
    assert {action.value for action in Action} >= ON_OTHERS


def test_what_no_rule_allows_is_denied() -> None:
    assert granted("stranger") == {"info"}


def test_the_rules_of_all_roles_are_joined() -> None:
    assert granted("asker", "helper") == {
        "info",
        "query",
        "streaming_query",
        "read_other_conversations",
    }


def test_an_administrator_may_do_everything() -> None:
    assert granted("keeper") == frozenset(Action)


def test_without_role_rules_only_what_everybody_may_is_granted() -> None:
    assert RuleAuthorizer(RULES).actions_of(caller(roles=["keeper"])) == {"info"}


def test_a_guest_has_no_claims_and_gets_no_role_by_their_absence() -> None:
    def everyone(claims: Mapping[str, Any]) -> frozenset[str]:
        del claims
        return frozenset({"keeper"})

    assert RuleAuthorizer(RULES, everyone).actions_of(caller()) == {"info"}


def test_nothing_is_granted_to_everybody_where_no_rule_does() -> None:
    assert RuleAuthorizer(RULES[1:]).actions_of(caller()) == frozenset()


def test_the_same_claims_are_judged_once() -> None:
    roles = CountingRoles()
    authorizer = RuleAuthorizer(RULES, roles.roles_of)
    ada, bob = caller(roles=["asker"]), caller(roles=["helper"])

    answers = [authorizer.actions_of(each) for each in (ada, ada, bob, ada)]

    assert roles.asked == 2
    assert answers[0] == answers[1] == answers[3] != answers[2]


def test_claims_that_are_no_longer_remembered_are_judged_again() -> None:
    roles = CountingRoles()
    authorizer = RuleAuthorizer(RULES, roles.roles_of)
    ada = caller(roles=["asker"])
    first = authorizer.actions_of(ada)
    for number in range(5_000):
        authorizer.actions_of(caller(roles=["helper"], number=number))

    assert authorizer.actions_of(ada) == first
    assert roles.asked == 5_002


@pytest.mark.requirement("access.stores")
def test_roles_are_told_with_access_rules_and_without() -> None:
    judged = CountingRoles()
    ada = caller(roles=["helper", "stranger"])

    for authorizer in (RuleAuthorizer(RULES, judged.roles_of), OpenAuthorizer(judged.roles_of)):
        assert authorizer.roles_of(ada) == {"helper", "stranger"}
        authorizer.actions_of(ada)
        assert authorizer.roles_of(ada) == {"helper", "stranger"}
    assert judged.asked == 2


@pytest.mark.parametrize("authorizer", [RuleAuthorizer(RULES), OpenAuthorizer()])
def test_without_role_rules_nobody_has_a_role(authorizer: RuleAuthorizer | OpenAuthorizer) -> None:
    assert authorizer.roles_of(caller(roles=["keeper"])) == frozenset()
