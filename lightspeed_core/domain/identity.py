"""Who is asking, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The caller as the configured authentication module sees them.

    `actions` holds the names of what the caller may do; empty until authorization has run.
    `roles` are those that the configuration gives, without that of everybody. `token` never
    appears in a representation.
    """

    user_id: str
    username: str
    skip_user_id_check: bool = False
    token: str = field(default="", repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    actions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def may(self, action: str) -> bool:
        """Say whether the caller was granted the action."""
        return action in self.actions
