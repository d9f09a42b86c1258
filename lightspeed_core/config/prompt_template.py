"""System prompts that may name variables; a text that names none stays as it is.

How a template is written is the matter of `prompt_language`. It knows no file and no request.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from lightspeed_core.errors import PromptTooLong

VARIABLES: Final = ("arch", "date", "os", "version")
"""What every prompt may name; who renders it says what they are."""

LONGEST_RENDERED: Final = 262_144
"""Characters of a rendered prompt."""

_MARKED: Final = re.compile(r"\{[{%].*?(?:[%}]\}|\Z)", re.DOTALL)
# Not `.os`, which other template languages write, nor a part of a longer word.
_NAME: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*")

type SystemPrompt = str | PromptTemplate


class PromptTemplate:
    """A checked template with the variables that belong to it."""

    def __init__(
        self, write: Callable[[Mapping[str, str]], Iterable[str]], own: Mapping[str, str]
    ) -> None:
        self._write = write
        self._variables = {**dict.fromkeys(VARIABLES, ""), **own}

    def render(self, variables: Mapping[str, str]) -> str:
        """Write the prompt; those of `VARIABLES` that are not given are empty.

        Raises `PromptTooLong` beyond `LONGEST_RENDERED`.
        """
        parts: list[str] = []
        length = 0
        for part in self._write({**self._variables, **variables}):
            length += len(part)
            if length > LONGEST_RENDERED:
                raise PromptTooLong
            parts.append(part)
        return "".join(parts)


def compile_prompt(text: str, own: Mapping[str, str] | None = None) -> SystemPrompt:
    """Return a text as it is, or as a template when it names a variable; it may name `own` too.

    Raises `BrokenPrompt`.
    """
    own = own or {}
    known = {*VARIABLES, *own}
    if not _names_any(text, known):
        return text
    # The template engine takes its time to import, and most prompts are no templates.
    from lightspeed_core.config.prompt_language import compile_template

    return PromptTemplate(compile_template(text, known), own)


def has_marks_in_vain(prompt: str, own: Mapping[str, str] | None = None) -> bool:
    """Say whether a prompt looks like a template, and yet names no variable."""
    return bool(_MARKED.search(prompt)) and not _names_any(prompt, {*VARIABLES, *(own or {})})


def _names_any(text: str, known: Collection[str]) -> bool:
    named = (name for marked in _MARKED.findall(text) for name in _NAME.findall(marked))
    return any(name in known for name in named)
