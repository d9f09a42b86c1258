"""Says whether a text gives orders to the assistant, and takes such orders out of documents.

A question is blocked as a whole; of a document the sentences go that give orders. It knows
neither stack nor turn.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from lightspeed_stack_providers.injection_rules.disclosures import DISCLOSURES, OF_USERS
from lightspeed_stack_providers.injection_rules.forgeries import FORGERIES
from lightspeed_stack_providers.injection_rules.hijacks import HIJACKS
from lightspeed_stack_providers.injection_rules.languages import IN_OTHER_LANGUAGES
from lightspeed_stack_providers.injection_rules.messages import TO_ASSISTANTS
from lightspeed_stack_providers.injection_rules.orders import ORDERS
from lightspeed_stack_providers.injection_rules.overrides import OVERRIDES, SQUEEZED
from lightspeed_stack_providers.injection_rules.readings import readings
from lightspeed_stack_providers.injection_rules.roles import ROLES
from lightspeed_stack_providers.injection_rules.search import RuleBook
from lightspeed_stack_providers.injection_rules.spelling import squeezed
from lightspeed_stack_providers.injection_rules.tongues import BY_PARTS

_ALL: Final = (
    *ORDERS,
    *OVERRIDES,
    *DISCLOSURES,
    *ROLES,
    *FORGERIES,
    *IN_OTHER_LANGUAGES,
    *BY_PARTS,
)
_QUESTIONS: Final = RuleBook((*_ALL, *OF_USERS))
_DOCUMENTS: Final = RuleBook((*_ALL, *TO_ASSISTANTS, *HIJACKS))
_LETTERS: Final = RuleBook(SQUEEZED)

_LONGEST_REMEMBERED: Final = 4_000
# A long text is read in slices, so that no single step of it takes long; an order fits in two.
_SLICE: Final = 8_000
_OVERLAP: Final = 1_000

REMOVED: Final = "[An order to the assistant was removed here.]"

# What is quoted in order to talk about it, and words of such talk.
_QUOTED: Final = re.compile(r"\"[^\"]{1,120}\"|\u201c[^\u201d]{1,120}\u201d|'[^']{8,120}'(?!\w)")
_TALK: Final = re.compile(
    r"\b(?:strings?|phrases?|text|words?|sentences?|tests?|logs?|wrote|written|writes|says|"
    r"contains?|found|block|detect|mean|means|meaning|patterns?|regex|example|tries|called)\b",
    re.IGNORECASE,
)
# Words of one who has pieces put together, or done.
_JOINS: Final = re.compile(
    r"\b(?:concat\w*|combin\w+|join\w*|append|together|put|assembl\w+|obey|comply|execute it|"
    r"do what|and do it|follow (?:it|them|that)|carry (?:it )?out|act on)\b|\w ?\+ ?\w",
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
    pieces = [piece for piece in _PIECE.findall(text) if piece]
    hits: set[int] = set()
    for block in _blocks(pieces):
        hits |= _hits(pieces, block)
    return _without(pieces, hits) if hits else text


def _blocks(pieces: Sequence[str]) -> Iterator[range]:
    """Give runs of pieces that are read together, each with the first piece behind it."""
    start = length = 0
    for index, piece in enumerate(pieces):
        length += len(piece)
        if length >= _SLICE:
            yield range(start, min(index + 2, len(pieces)))
            start, length = index + 1, 0
    if start < len(pieces):
        yield range(start, len(pieces))


def _hits(pieces: Sequence[str], block: range) -> set[int]:
    """Return the pieces of a block that give orders, alone or with their neighbour."""
    if _find("".join(pieces[index] for index in block), _DOCUMENTS) is None:
        return set()
    hits = {index for index in block if _find(pieces[index], _DOCUMENTS)}
    for pair in map(set, pairwise(block)):
        if not pair & hits and _find("".join(pieces[index] for index in sorted(pair)), _DOCUMENTS):
            hits |= pair
    rest = "".join(pieces[index] for index in block if index not in hits)
    # What is spread over more than two sentences cannot be told from its surroundings.
    return set(block) if _find(rest, _DOCUMENTS) else hits


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
    is_talk = rest != text and _TALK.search(rest) and not _JOINS.search(rest)
    return rest if is_talk else text


def _find(text: str, rules: RuleBook) -> str | None:
    if len(text) <= _SLICE + _OVERLAP:
        return _found(text, rules)
    slices = (text[at : at + _SLICE + _OVERLAP] for at in range(0, len(text), _SLICE))
    return next((found for each in slices if (found := _found(each, rules))), None)


def _found(text: str, rules: RuleBook) -> str | None:
    for reading in readings(text):
        found = rules.search(reading) or _LETTERS.search(squeezed(reading))
        if found is not None:
            return found
    return None
