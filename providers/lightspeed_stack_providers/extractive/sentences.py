"""Running text to sentences, each an exact piece of it."""

import re
from typing import Final

# What may close a sentence, with the closing marks that belong to it; CJK texts put no space
# behind it. Possessive and anchored at the first mark, so that a line of dots costs no more than
# its length.
_END: Final = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]*_]*+\s+"
    r"|[\u3002\uff01\uff1f]++[\u201d\u300d\u300f\uff09]*+\s*"
)
_ABBREVIATION_LIST: Final = """
e.g i.e etc vs cf al approx ca incl resp no nos fig figs eq sec ch vol p pp dr mr mrs ms prof st jr
sr inc ltd
"""
_ABBREVIATIONS: Final = frozenset(_ABBREVIATION_LIST.split())
_LONGEST: Final = 60
_PIECE: Final = 40


def split_sentences(text: str) -> list[str]:
    """Split at the ends of sentences, but not after abbreviations nor inside inline code.

    What has more than 60 words is cut at a word; joined by spaces the result is the text.
    """
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if text[end.end() : end.end() + 1].islower():
            continue
        if _may_end(text[start : end.start()], end.group()):
            sentences.append(text[start : end.end()].strip())
            start = end.end()
    sentences.append(text[start:].strip())
    return [piece for sentence in sentences if sentence for piece in _cut(sentence)]


def _may_end(before: str, ending: str) -> bool:
    if before.count("`") % 2:
        return False
    if not ending.startswith(".") or ending.startswith(".."):
        return True
    last_word = before.rpartition(" ")[2].lstrip("([\"'“*_")
    return not (
        last_word.casefold() in _ABBREVIATIONS
        or (len(last_word) == 1 and last_word.isupper())
        or (last_word.isdigit() and last_word == before.strip())
    )


def _cut(sentence: str) -> list[str]:
    words = sentence.split(" ")
    if len(words) <= _LONGEST:
        return [sentence]
    return [" ".join(words[i : i + _PIECE]) for i in range(0, len(words), _PIECE)]
