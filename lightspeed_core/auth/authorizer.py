"""What a caller may do. Knows actions and identities, neither routes nor modules."""

from typing import Protocol

from lightspeed_core.config.authorization import ACTIONS_ON_OTHERS, Action
from lightspeed_core.domain.identity import Identity


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
