"""Says whether a text gives orders to the assistant, and takes such orders out of documents.

A question is blocked as a whole; of a document the sentences go that give orders. It knows
neither stack nor turn.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from lightspeed_stack_providers.injection_rules.languages import IN_OTHER_LANGUAGES
from lightspeed_stack_providers.injection_rules.messages import TO_ASSISTANTS
from lightspeed_stack_providers.injection_rules.orders import ORDERS
from lightspeed_stack_providers.injection_rules.readings import readings
from lightspeed_stack_providers.injection_rules.search import RuleBook

_QUESTIONS: Final = RuleBook((*ORDERS, *IN_OTHER_LANGUAGES))
_DOCUMENTS: Final = RuleBook((*ORDERS, *IN_OTHER_LANGUAGES, *TO_ASSISTANTS))

_LONGEST_REMEMBERED: Final = 4_000

REMOVED: Final = "[An order to the assistant was removed here.]"
LEFT_OUT: Final = "[This text was removed: it gives orders to the assistant.]"

# What is quoted in order to talk about it, and words of such talk.
_QUOTED: Final = re.compile(r"\"[^\"]{1,120}\"|\u201c[^\u201d]{1,120}\u201d|'[^']{8,120}'(?!\w)")
_TALK: Final = re.compile(
    r"\b(?:strings?|phrases?|text|words?|sentences?|tests?|logs?|wrote|written|writes|says|"
    r"contains?|found|block|detect|mean|means|meaning|patterns?|regex|example|tries|called)\b",
    re.IGNORECASE,
)
_PIECE: Final = re.compile(r"[^\n.!?\u3002\uff01\uff1f]*[\n.!?\u3002\uff01\uff1f]*[ \t]*")


def find_injection(text: str) -> str | None:
    """Return the order that a question gives, in plain form, or None."""
    return _find(_without_quotations(text), _QUESTIONS)


def neutralize(text: str) -> str:
    """Return what a document or tool says without the sentences that give orders.

    Short texts are remembered, for the same passages are found again and again.
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _neutralized(text)


@lru_cache(maxsize=2_000)
def _remembered(text: str) -> str:
    return _neutralized(text)


def _neutralized(text: str) -> str:
    if _find(text, _DOCUMENTS) is None:
        return text
    pieces = [piece for piece in _PIECE.findall(text) if piece]
    hits = {index for index, piece in enumerate(pieces) if _find(piece, _DOCUMENTS)}
    for index in range(len(pieces) - 1):
        pair = {index, index + 1}
        if not pair & hits and _find(pieces[index] + pieces[index + 1], _DOCUMENTS):
            hits |= pair
    neutral = _without(pieces, hits)
    # What is spread over more than two sentences cannot be told from its surroundings.
    return LEFT_OUT if _find(neutral.replace(REMOVED, ""), _DOCUMENTS) else neutral


def _without(pieces: Sequence[str], hits: set[int]) -> str:
    kept: list[str] = []
    for index, piece in enumerate(pieces):
        if index not in hits:
            kept.append(piece)
        elif index - 1 not in hits:
            kept.append(f"{REMOVED}\n" if piece.endswith("\n") else f"{REMOVED} ")
    return "".join(kept)


def _without_quotations(text: str) -> str:
    rest = _QUOTED.sub(" ", text)
    return rest if rest != text and _TALK.search(rest) else text


def _find(text: str, rules: RuleBook) -> str | None:
    found = (rules.search(reading) for reading in readings(text))
    return next((order for order in found if order is not None), None)
