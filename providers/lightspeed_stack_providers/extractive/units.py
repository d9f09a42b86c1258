"""What can be quoted: sentences, list items, table rows and lines of code, with their context.

A heading is never quoted, nor is a lead-in without what it leads to. Every unit's text stands in
the passage as it is, but for white space and the fence of a block of code.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from lightspeed_stack_providers.extractive.blocks import Block, Kind, split_blocks
from lightspeed_stack_providers.extractive.sentences import split_sentences
from lightspeed_stack_providers.unspaced import count_words


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece that may be quoted; `context` (heading, lead-in) helps to find it."""

    text: str
    context: str = ""


_LONGEST_LIST: Final = 60  # words of a lead-in and its list that still read as one sentence
_LONGEST_LISTING: Final = 2  # lines of code that are quoted together with their lead-in
_SHORTEST_SENTENCE: Final = 3  # words
_LONGEST_TITLE: Final = 9  # words of a line that may be a heading without any mark of one

# What would be taken for a citation, or would change how the rest of the answer is shown.
_UNSAFE: Final = re.compile(
    r"\[\d+\]|!\[|[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", re.ASCII
)
_LONE_LINK: Final = re.compile(r"\[[^\]]*\]\([^)]*\)$")
_CODE_SPAN: Final = re.compile(r"`[^`]*`")
_MARKUP: Final = re.compile(r"</?[a-zA-Z!]")
_WORD: Final = re.compile(r"\w+")
_NO_TITLE: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f;][\W_]*$|[:`\d]")
_COLONS: Final = (":", "\uff1a")


def split_units(text: str) -> list[Unit]:
    """List what can be quoted of a passage, in its order."""
    return [unit for unit in _units(split_blocks(text)) if _is_quotable(unit.text)]


def _units(blocks: Sequence[Block]) -> Iterator[Unit]:
    heading = lead_in = ""
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        run = list(group)
        if kind is Kind.HEADING:
            heading, lead_in = run[-1].text, ""
        elif kind is Kind.PARAGRAPH:
            sentences = [s for block in run for s in split_sentences(block.text)]
            lead_in = sentences[-1] if sentences[-1].endswith(_COLONS) else ""
            yield from (Unit(sentence, heading) for sentence in sentences if _says_much(sentence))
        elif lead_in and (whole := _joined(run)):
            yield Unit(f"{lead_in} {whole}", heading)
            lead_in = ""
        else:
            yield from _pieces(kind, run, f"{heading} {lead_in}".strip())
            lead_in = ""


def _pieces(kind: Kind, run: Sequence[Block], context: str) -> Iterator[Unit]:
    if kind is Kind.CODE:
        return (Unit(_inline_code(block.text), context) for block in run)
    if kind is Kind.ITEM:
        return (Unit(s, context) for block in run for s in split_sentences(block.text))
    if len(run) > 1 and not run[1].text:
        context = f"{context} {run[0].text}".strip()
        run = run[2:]
    return (Unit(block.text, context) for block in run)


def _joined(run: Sequence[Block]) -> str:
    if run[0].kind is Kind.CODE and len(run) <= _LONGEST_LISTING:
        return " ".join(_inline_code(block.text) for block in run)
    if run[0].kind is Kind.ITEM and sum(b.text.count(" ") + 1 for b in run) <= _LONGEST_LIST:
        return " ".join(f"{block.marker} {block.text}" for block in run)
    return ""


def _inline_code(line: str) -> str:
    return f"`` {line} ``" if "`" in line else f"`{line}`"


def _says_much(sentence: str) -> bool:
    words = count_words(sentence)
    if sentence.endswith(_COLONS) or words < _SHORTEST_SENTENCE:
        return False
    return words > _LONGEST_TITLE or bool(_NO_TITLE.search(sentence))


def _is_quotable(text: str) -> bool:
    outside_code = _CODE_SPAN.sub("", text)
    return (
        bool(_WORD.search(text))
        and not _UNSAFE.search(text)
        and not _LONE_LINK.match(text)
        and "`" not in outside_code
        and not _MARKUP.search(outside_code)
    )
