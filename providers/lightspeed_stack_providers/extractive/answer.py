"""The text of an answer: quotes with their markers, or a plain word on why there are none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lightspeed_stack_providers.extractive.passages import plain_text
from lightspeed_stack_providers.extractive.ranking import Quote

NOTHING_ASKED: Final = "There is no question to answer."
NOTHING_GIVEN: Final = (
    "I was given no documents on this question, and I answer by quoting documents alone."
)
NOT_ANSWERED: Final = "The documents that were found do not answer this question."

_TOKEN: Final = re.compile(r"\S+\s*")
_PROMPT_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer; token counts are estimates (words, and for the prompt its signs)."""

    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.tokens)


def render_quotes(quotes: Sequence[Quote]) -> str:
    """Put each quote into a paragraph of its own, followed by the marker of its passage."""
    return "\n\n".join(f"{quote.text} [{quote.number}]" for quote in quotes)


def cut_answer(text: str, max_tokens: int | None) -> tuple[tuple[str, ...], str]:
    """Cut a text into tokens, at most so many of them; gives them with the finish reason."""
    tokens = tuple(_TOKEN.findall(text))
    if max_tokens is not None and len(tokens) > max_tokens:
        return tokens[:max_tokens], "length"
    return tokens, "stop"


def count_prompt_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """Estimate the tokens of a prompt by its words and signs."""
    return sum(
        len(_PROMPT_TOKEN.findall(plain_text(message.get("content")))) for message in messages
    )
