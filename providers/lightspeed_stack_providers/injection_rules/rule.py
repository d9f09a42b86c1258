"""A rule: a pattern in the plain form of `readings`, and where to look for it.

Gaps of patterns are bounded, so that a search is linear in the text.
"""

import re

from lightspeed_stack_providers.injection_rules.readings import plain

type Rule = tuple[re.Pattern[str], tuple[str, ...], tuple[tuple[str, ...], ...]]
"""A pattern, with what one of a match begins, and what it holds: of each group one."""


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
