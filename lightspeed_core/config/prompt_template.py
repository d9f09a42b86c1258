"""System prompts that may name variables; a text without `{{` and `{%` stays as it is.

How a template is written is the matter of `prompt_language`. It knows no file and no request.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from lightspeed_core.errors import PromptTooLong

VARIABLES: Final = ("arch", "date", "os", "version")
"""What every prompt may name; who renders it says what they are."""

LONGEST_RENDERED: Final = 262_144
"""Characters of a rendered prompt."""

_MARKS: Final = ("{{", "{%")

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
    """Return a text as it is, or as a template that may name `own` variables too.

    Raises `BrokenPrompt`.
    """
    if not any(mark in text for mark in _MARKS):
        return text
    # The template engine takes its time to import, and most prompts are no templates.
    from lightspeed_core.config.prompt_language import compile_template

    own = own or {}
    return PromptTemplate(compile_template(text, {*VARIABLES, *own}), own)
