"""A rule: a pattern in the plain form of `readings`, and where to look for it.

Gaps of patterns are bounded, so that a search is linear in the text.
"""

import re
from typing import Final

from lightspeed_stack_providers.injection_rules.spelling import plain

type Rule = tuple[re.Pattern[str], tuple[str, ...], tuple[tuple[str, ...], ...]]
"""A pattern, with what one of a match begins, and what it holds: of each group one."""

_WORD: Final = r"[\w'\u2019-]{1,24}"


def rule(pattern: str, starts: str, *needs: str) -> Rule:
    """Compile a rule; literals of one group are parted by semicolons."""
    if not pattern.isascii():
        # Letters are decomposed as those of texts are.
        pattern, starts, needs = plain(pattern), plain(starts), tuple(map(plain, needs))
    return (
        re.compile(pattern),
        tuple(starts.split(";")),
        tuple(tuple(need.split(";")) for need in needs),
    )


def phrase(words: str, rest: str, *needs: str) -> Rule:
    """Compile a rule whose matches begin with one of some whole words; `rest` follows them."""
    return rule(rf"\b(?:{words.replace(';', '|')})\b{rest}", words, *needs)


def gap(most: int) -> str:
    """Return a pattern for up to so many words, each with the blank behind it."""
    return rf"(?:{_WORD}[,:]? ){{0,{most}}}"


def either(words: str) -> str:
    """Return a pattern for one of some words that are parted by semicolons."""
    return f"(?:{words.replace(';', '|')})"
