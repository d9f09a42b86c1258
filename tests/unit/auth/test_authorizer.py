"""What callers may do where no access rules apply."""

import pytest

from lightspeed_core.auth.authorizer import OpenAuthorizer
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

ON_OTHERS = {
    "list_other_conversations",
    "read_other_conversations",
    "query_other_conversations",
    "delete_other_conversations",
}


@pytest.mark.parametrize("action", Action)
def test_everything_is_allowed_but_the_conversations_of_others(action: Action) -> None:
    granted = OpenAuthorizer().actions_of(Identity(user_id="ada", username="Ada"))
    assert (action in granted) == (action.value not in ON_OTHERS)


def test_the_actions_on_others_are_all_known() -> None:
    assert {action.value for action in Action} >= ON_OTHERS
