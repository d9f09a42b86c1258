"""What a caller may do. Knows actions and identities, neither routes nor modules."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from lightspeed_core.config.authorization import ACTIONS_ON_OTHERS, AccessRule, Action
from lightspeed_core.domain.identity import Identity

EVERYBODY: Final = "*"
"""The role of every caller."""

_REMEMBERED: Final = 4_096

type RolesOf = Callable[[Mapping[str, Any]], frozenset[str]]


class Authorizer(Protocol):
    """Decides which actions a caller is granted."""

    def actions_of(self, caller: Identity) -> frozenset[str]:
        """Return everything that the caller may do."""
        ...


class OpenAuthorizer:
    """Grants everything but the conversations of others, which only an access rule opens."""

    def __init__(self) -> None:
        self._granted: frozenset[str] = frozenset(Action) - ACTIONS_ON_OTHERS

    def actions_of(self, caller: Identity) -> frozenset[str]:
        """Return the same actions for everybody."""
        del caller
        return self._granted


class RuleAuthorizer:
    """Grants what the access rules allow the roles of the caller, and nothing else.

    Without role rules, and for a caller without claims, the role is that of everybody alone.
    """

    def __init__(self, access_rules: Iterable[AccessRule], roles_of: RolesOf | None = None) -> None:
        self._by_role: dict[str, frozenset[str]] = {}
        for rule in access_rules:
            allowed = self._by_role.get(rule.role, frozenset[str]())
            self._by_role[rule.role] = allowed | _actions_of(rule)
        self._roles_of = roles_of
        self._for_everybody = self._by_role.get(EVERYBODY, frozenset[str]())
        # By the claims' address; they are kept, so that no others come to stand there.
        self._judged: dict[int, tuple[Mapping[str, Any], frozenset[str]]] = {}

    def actions_of(self, caller: Identity) -> frozenset[str]:
        """Return what the roles of the caller are allowed; the same claims are judged once."""
        claims = caller.claims
        if self._roles_of is None or not claims:
            return self._for_everybody
        if known := self._judged.get(id(claims)):
            return known[1]
        roles = self._roles_of(claims)
        granted = self._for_everybody.union(*(self._by_role.get(role, ()) for role in roles))
        if len(self._judged) >= _REMEMBERED:
            self._judged.pop(next(iter(self._judged)))
        self._judged[id(claims)] = (claims, granted)
        return granted


def _actions_of(rule: AccessRule) -> frozenset[str]:
    # Whoever writes this rule means everything, the conversations of others among it.
    if Action.ADMIN in rule.actions:
        return frozenset(Action)
    return frozenset(rule.actions)
