"""Words that carry meaning, reduced to their stems; English, by a few suffix rules.

Scripts without spaces have the words that `unspaced` gives them.
"""

import re
from functools import lru_cache
from typing import Final

from lightspeed_stack_providers.unspaced import with_words

_WORD: Final = re.compile(r"\w+")
_STOP_LIST: Final = """
a about after all also am an and any are as at be because been before being but by can could did do
does doing don each else every for from get give had has have having he her here him his how i if in
into is it its itself just kind let like long make many may me mean might more most much must my no
nor not now of on one only or other our out over own please same say shall she should so some such
tell than that the their them then there these they thing this those to too under until up upon us
use used uses using very want was way we were what when where whether which while who whom whose why
will with within without would you your
"""
_STOP: Final = frozenset(_STOP_LIST.split())
# Longest first. What is left of a word must still be recognizable.
_SUFFIXES: Final = ("ations", "ation", "ating", "ments", "ated", "ates", "ment", "ions", "ings")
_SHORT_SUFFIXES: Final = ("ing", "ion", "ate", "ied", "ies", "ed", "es", "ly", "s", "e", "y")
_NO_SUFFIX: Final = frozenset({"ss", "us", "ay", "ey", "oy", "uy"})
_SHORTEST_STEM: Final = 3


def terms(text: str) -> list[str]:
    """List the stems of a text's words in order, without those that every text has.

    A name like `api_key` counts as itself and as its parts.
    """
    return [
        stem(part)
        for word in _WORD.findall(with_words(text).casefold())
        for part in _with_parts(word)
        if part not in _STOP
    ]


def _with_parts(word: str) -> list[str]:
    parts = [part for part in word.split("_") if part]
    return parts if len(parts) < 2 else [word, *parts]


# A text repeats its words; remembering the rule's result is three quarters of the time.
@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Cut the commonest endings, so that `migrates`, `migration` and `migrating` are one."""
    for suffix in (*_SUFFIXES, *_SHORT_SUFFIXES):
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            if word[-2:] in _NO_SUFFIX:
                return word
            return _without_doubling(word.removesuffix(suffix))
    return word


def _without_doubling(stub: str) -> str:
    if len(stub) > _SHORTEST_STEM and stub[-1] == stub[-2] and stub[-1] not in "aeiouls":
        return stub[:-1]
    return stub
