"""Searches a reading for any of many rules, at the few places where one can begin."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from lightspeed_stack_providers.injection_rules.rule import Rule

_HEAD: Final = 4
_WORD_BEGINS: Final = re.compile(r"\b\w")

type _ByStart = dict[str, list[Rule]]


class RuleBook:
    """Rules by the literals that their matches begin with; what cannot match is not tried.

    Literals of words are looked up where a word begins, all others are looked for.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._at_words: dict[str, _ByStart] = {}
        self._anywhere: _ByStart = {}
        for rule in rules:
            begins_words = rule[0].pattern.startswith(r"\b")
            for start in rule[1]:
                if begins_words and start.isascii() and start[0].isalnum():
                    by_start = self._at_words.setdefault(start[:_HEAD], {})
                else:
                    by_start = self._anywhere
                by_start.setdefault(start, []).append(rule)
        self._lengths = sorted({len(head) for head in self._at_words})

    def search(self, reading: str) -> str | None:
        """Return what one of the rules finds, or None; linear in the reading."""
        tried = _Tried(reading)
        for word in _WORD_BEGINS.finditer(reading) if self._at_words else ():
            place = word.start()
            for length in self._lengths:
                by_start = self._at_words.get(reading[place : place + length])
                for start, rules in by_start.items() if by_start else ():
                    if reading.startswith(start, place) and (found := tried.match(rules, place)):
                        return found
        return self._search_anywhere(reading, tried)

    def _search_anywhere(self, reading: str, tried: "_Tried") -> str | None:
        for start, rules in self._anywhere.items():
            place = reading.find(start)
            if place >= 0 and not any(map(tried.can_match, rules)):
                continue
            while place >= 0:
                if found := tried.match(rules, place):
                    return found
                place = reading.find(start, place + 1)
        return None


class _Tried:
    """Rules over one reading, with those known that lack what they need."""

    def __init__(self, reading: str) -> None:
        self._reading = reading
        self._can_match: dict[int, bool] = {}

    def match(self, rules: Sequence[Rule], place: int) -> str | None:
        """Return what the first rule finds that matches at a place."""
        for rule in rules:
            if self.can_match(rule) and (found := rule[0].match(self._reading, place)):
                return found[0]
        return None

    def can_match(self, rule: Rule) -> bool:
        """Say whether the reading holds one of each group of what a rule needs."""
        known = self._can_match.get(id(rule))
        if known is None:
            reading = self._reading
            known = all(any(literal in reading for literal in need) for need in rule[2])
            self._can_match[id(rule)] = known
        return known
