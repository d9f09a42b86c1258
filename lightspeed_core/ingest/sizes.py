"""How large texts are for an embedding model: counted by its own tokenizer, else estimated.

What is estimated may be wrong by a factor, so an estimate may fill only half of what a model reads.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lightspeed_core.engine.types import EmbeddingReach

# What a model reads that does not tell; those of sentences are seldom below it.
_USUAL_REACH: Final = 512
# A text of so many times the size asked for is not counted exactly any more.
_FAR_TOO_LARGE: Final = 3
# A tokenizer may take a long word for one unknown token; a chunk shall not be made of those.
_LEAST_SHARE: Final = 2

_CHINESE: Final = "\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
_PIECE: Final = re.compile(
    rf"([A-Za-z]{{1,20}}(?![^\W_]))|([^\W\d_a-zA-Z{_CHINESE}]+)|([{_CHINESE}])|([^\W_{_CHINESE}]+)|[^\s\w]|_"
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Measures for one embedding model; `reach` is what is known of how it reads."""

    reach: EmbeddingReach = field(default_factory=EmbeddingReach)

    @property
    def limit(self) -> int:
        """The most tokens, as `count` counts them, that are embedded for certain."""
        if self.reach.count is not None and self.reach.tokens is not None:
            return self.reach.tokens
        return (self.reach.tokens or _USUAL_REACH) // 2

    def count(self, text: str, *, wanted: int) -> int:
        """Count tokens; exactly as far as it matters to whoever wants `wanted` of them at most."""
        estimated = estimate_tokens(text)
        if self.reach.count is None or estimated > _FAR_TOO_LARGE * wanted:
            return estimated
        return max(self.reach.count(text), estimated // _LEAST_SHARE)

    def fits(self, text: str) -> bool:
        """Say whether a text is embedded to its end."""
        return self.count(text, wanted=self.limit) <= self.limit


def estimate_tokens(text: str) -> int:
    """Estimate tokens of common tokenizers, rather too many than too few.

    One for each mark and for six letters of an English word, two letters of other alphabets or of
    what is no word, and each character of Chinese, Japanese or Korean. On technical English the
    median error is nil, and in 19 of 20 chunks below a fifth.
    """
    return sum(size for _, size in _pieces(text))


def first_tokens(text: str, most: int) -> str:
    """Cut a text at its end so that its estimate is at most so large."""
    kept = 0
    for end, size in _pieces(text):
        most -= size
        if most < 0:
            return text[:kept]
        kept = end
    return text


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Give the end and the estimate of each word, part of a word and mark."""
    for found in _PIECE.finditer(text):
        length = found.end() - found.start()
        match found.lastindex:
            case 1:
                size = 1 + (length - 1) // 6
            case 2 | 4:
                size = (length + 1) // 2
            case _:
                size = 1
        yield found.end(), size
