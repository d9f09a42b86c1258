"""From claims to roles, by the rules of the configuration. It knows no token and no action."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.parser import parse

from lightspeed_core.auth.measured import Budget, measured
from lightspeed_core.config.role_rules import JsonPathOperator, JwtRoleRule
from lightspeed_core.config.search_pattern import SearchPattern

logger = logging.getLogger(__name__)

STEPS: Final = 20_000
"""Values that the JSONPath of one rule may look at; some 20 ms."""

SEARCH_SECONDS: Final = 0.1
"""Computing time that the pattern of one rule may take, over all that it is searched in."""

LONGEST_TEXT: Final = 8_192
"""Characters of a claim that a pattern is searched in; a rule over a longer one fails."""

_FAILURES: Final = (
    JSONPathError,
    AttributeError,
    LookupError,
    RuntimeError,
    TimeoutError,
    TypeError,
    ValueError,
)

type _Matches = list[Any]


class RoleRules:
    """Rules that give roles, made ready once."""

    def __init__(self, rules: Iterable[JwtRoleRule]) -> None:
        self._rules = tuple(_Rule(number, rule) for number, rule in enumerate(rules))

    def roles_of(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Return the roles of all rules that fit the claims.

        A rule that cannot be judged within its bounds gives no roles, negated or not.
        """
        return frozenset(role for rule in self._rules if rule.fits(claims) for role in rule.roles)


class _Rule:
    def __init__(self, number: int, rule: JwtRoleRule) -> None:
        self.roles = rule.roles
        self._number = number
        self._negate = rule.negate
        self._find = parse(rule.jsonpath).find
        self._compare = _comparison(rule.operator, rule.value)

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Judge the claims; what cannot be judged does not fit."""
        try:
            found = self._find(measured(claims, Budget(STEPS)))
            is_fulfilled = self._compare([match.value for match in found])
        except _FAILURES as error:
            logger.warning(
                "role rule not judged, it gives no roles rule=%d error=%s",
                self._number,
                type(error).__name__,
            )
            return False
        return is_fulfilled is not self._negate


def _comparison(operator: JsonPathOperator, value: Any) -> Callable[[_Matches], bool]:
    match operator:
        case JsonPathOperator.EQUALS:
            return lambda found: bool(found == value)
        case JsonPathOperator.CONTAINS:
            return lambda found: value in found
        case JsonPathOperator.IN:
            return lambda found: found in value
        case JsonPathOperator.MATCH:
            return partial(_is_any_matched, SearchPattern(value))


def _is_any_matched(pattern: SearchPattern, found: _Matches) -> bool:
    until = time.process_time() + SEARCH_SECONDS
    for text in found:
        if not isinstance(text, str):
            continue
        if len(text) > LONGEST_TEXT:
            raise ValueError("a claim is too long to be searched")
        seconds = until - time.process_time()
        if seconds <= 0:
            raise TimeoutError
        if pattern.is_found(text, seconds=seconds):
            return True
    return False
