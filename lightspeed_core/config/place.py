"""Places in the configuration file and what is wrong there. It reads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

type Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place; `value` is what stands there, fit to be shown."""

    text: str
    place: Place = ()
    value: str = ""
    line: int | None = None
    column: int | None = None


class ProblemsFound(Exception):
    """The configuration cannot be used; says everything that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = tuple(problems)


class BrokenPrompt(Exception):
    """A template that cannot be rendered; `line` counts from 1 within its text."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.line = line


def dotted(place: Place) -> str:
    """Write a place as operators do: `mcp_servers[0].url`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def is_mapping(value: object) -> TypeGuard[dict[Any, Any]]:
    """Say whether a value of a YAML tree has keys."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Say whether a value of a YAML tree has items."""
    return isinstance(value, list)


def has_part(tree: object, part: str | int) -> bool:
    """Say whether a value of a YAML tree has this key or item."""
    if is_mapping(tree):
        return part in tree
    return is_list(tree) and isinstance(part, int) and part < len(tree)
