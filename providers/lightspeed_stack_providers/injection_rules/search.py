"""Searches a reading for any of many rules, at the few places where one can begin."""

from collections.abc import Iterable

from lightspeed_stack_providers.injection_rules.rule import Rule


class RuleBook:
    """Rules by the literals that their matches begin with; what cannot match is not tried."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_start: dict[str, list[Rule]] = {}
        for rule in rules:
            for start in rule[1]:
                self._by_start.setdefault(start, []).append(rule)

    def search(self, reading: str) -> str | None:
        """Return what one of the rules finds, or None; linear in the reading."""
        for start, rules in self._by_start.items():
            place = reading.find(start)
            if place < 0:
                continue
            patterns = [
                pattern
                for pattern, _, needs in rules
                if all(any(literal in reading for literal in need) for need in needs)
            ]
            while patterns and place >= 0:
                for pattern in patterns:
                    if found := pattern.match(reading, place):
                        return found[0]
                place = reading.find(start, place + 1)
        return None
