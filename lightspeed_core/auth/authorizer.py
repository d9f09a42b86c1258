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

    def roles_of(self, caller: Identity) -> frozenset[str]:
        """Return the roles of the caller, without that of everybody."""
        ...


class _Roles:
    """The roles of callers by their claims; the same claims are judged once.

    Without role rules, and for a caller without claims, there are none.
    """

    def __init__(self, judge: RolesOf | None) -> None:
        self._judge = judge
        # By the claims' address; they are kept, so that no others come to stand there.
        self._judged: dict[int, tuple[Mapping[str, Any], frozenset[str]]] = {}

    def of(self, caller: Identity) -> frozenset[str]:
        claims = caller.claims
        if self._judge is None or not claims:
            return frozenset()
        if known := self._judged.get(id(claims)):
            return known[1]
        roles = self._judge(claims)
        if len(self._judged) >= _REMEMBERED:
            self._judged.pop(next(iter(self._judged)))
        self._judged[id(claims)] = (claims, roles)
        return roles


class OpenAuthorizer:
    """Grants everything but the conversations of others, which only an access rule opens."""

    def __init__(self, roles_of: RolesOf | None = None) -> None:
        self._granted: frozenset[str] = frozenset(Action) - ACTIONS_ON_OTHERS
        self._roles = _Roles(roles_of)

    def actions_of(self, caller: Identity) -> frozenset[str]:
        """Return the same actions for everybody."""
        del caller
        return self._granted

    def roles_of(self, caller: Identity) -> frozenset[str]:
        """Return what the role rules give, which binds where something else asks for roles."""
        return self._roles.of(caller)


class RuleAuthorizer:
    """Grants what the access rules allow the roles of the caller, and nothing else.

    Without role rules, and for a caller without claims, the role is that of everybody alone.
    """

    def __init__(self, access_rules: Iterable[AccessRule], roles_of: RolesOf | None = None) -> None:
        self._by_role: dict[str, frozenset[str]] = {}
        for rule in access_rules:
            allowed = self._by_role.get(rule.role, frozenset[str]())
            self._by_role[rule.role] = allowed | _actions_of(rule)
        self._roles = _Roles(roles_of)
        self._for_everybody = self._by_role.get(EVERYBODY, frozenset[str]())
        self._granted: dict[frozenset[str], frozenset[str]] = {}

    def actions_of(self, caller: Identity) -> frozenset[str]:
        """Return what the roles of the caller are allowed; the same claims are judged once."""
        roles = self._roles.of(caller)
        if not roles:
            return self._for_everybody
        granted = self._granted.get(roles)
        if granted is None:
            # The rules name finitely many roles, and so there are few sets of them.
            granted = self._for_everybody.union(*(self._by_role.get(role, ()) for role in roles))
            self._granted[roles] = granted
        return granted

    def roles_of(self, caller: Identity) -> frozenset[str]:
        """Return what the role rules give."""
        return self._roles.of(caller)


def _actions_of(rule: AccessRule) -> frozenset[str]:
    # Whoever writes this rule means everything, the conversations of others among it.
    if Action.ADMIN in rule.actions:
        return frozenset(Action)
    return frozenset(rule.actions)
