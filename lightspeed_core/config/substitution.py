"""`${env.NAME}` in the values of a configuration, as Llama Stack replaces it in its own files.

It is given the environment and reads none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightspeed_core.config.place import Place, Problem, dotted, is_list, is_mapping

_EXPRESSION = re.compile(r"\$\{env\.([A-Z0-9_]+)(?::([=+])([^}]*))?\}")
_DISABLED = "__disabled__"
# Llama Stack substitutes in its own parts itself, so that secrets stay references until then.
_ANY_ITEM = -1
_UNTOUCHED: frozenset[Place] = frozenset(
    {
        ("llama_stack", "config", "native_override"),
        ("inference", "providers", _ANY_ITEM, "extra"),
        ("vector_store", "providers", _ANY_ITEM, "config"),
    }
)


@dataclass(slots=True)
class Substitution:
    """A tree after substitution.

    `texts` holds what converted values were before their conversion, for fields that want
    the text itself. `kept` gives the first indexes of the items of lists that lost some.
    """

    tree: Any = None
    texts: dict[Place, str] = field(default_factory=dict[Place, str])
    kept: dict[Place, list[int]] = field(default_factory=dict[Place, list[int]])
    problems: list[Problem] = field(default_factory=list[Problem])

    def original(self, place: Place) -> Place:
        """Return the place in the file of a place in the tree."""
        found: Place = ()
        for depth, part in enumerate(place):
            kept = self.kept.get(place[:depth])
            if kept is not None and isinstance(part, int) and part < len(kept):
                found = (*found, kept[part])
            else:
                found = (*found, part)
        return found


class _Unset(Exception):
    """A variable without a default is unset or empty."""


def substitute(tree: Any, environ: Mapping[str, str]) -> Substitution:
    """Replace every expression; what cannot be replaced is a problem of the result."""
    result = Substitution()
    result.tree = _replace(tree, (), environ, result)
    return result


def _replace(value: Any, place: Place, environ: Mapping[str, str], result: Substitution) -> Any:
    if tuple(_ANY_ITEM if isinstance(part, int) else part for part in place) in _UNTOUCHED:
        return value
    if is_mapping(value):
        return {key: _replace(item, (*place, key), environ, result) for key, item in value.items()}
    if is_list(value):
        return _replace_items(value, place, environ, result)
    if isinstance(value, str):
        return _replace_text(value, place, environ, result)
    return value


def _replace_items(
    items: list[Any], place: Place, environ: Mapping[str, str], result: Substitution
) -> list[Any]:
    kept = [index for index, item in enumerate(items) if not _is_disabled(item, environ)]
    if len(kept) < len(items):
        result.kept[place] = kept
    return [_replace(items[old], (*place, new), environ, result) for new, old in enumerate(kept)]


def _is_disabled(item: Any, environ: Mapping[str, str]) -> bool:
    provider_id = item.get("provider_id") if is_mapping(item) else None
    if not isinstance(provider_id, str):
        return False
    try:
        return expand(provider_id, environ) == _DISABLED
    except _Unset:
        return False


def _replace_text(text: str, place: Place, environ: Mapping[str, str], result: Substitution) -> Any:
    try:
        expanded = expand(text, environ)
    except _Unset as unset:
        name = str(unset)
        result.problems.append(
            Problem(
                f"Environment variable '{name}' not set or empty at "
                f"{dotted(result.original(place))}. Use ${{env.{name}:=default_value}} to provide "
                f"a default value, ${{env.{name}:+value_if_set}} to make the field conditional, "
                "or ensure the environment variable is set.",
                place,
            )
        )
        return text
    if expanded == text:
        return text
    converted = convert(expanded)
    if not isinstance(converted, str):
        result.texts[place] = expanded
    return converted


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace the expressions in one text."""

    def value_of(match: re.Match[str]) -> str:
        name, operator, operand = match.groups()
        value = environ.get(name, "")
        if operator == "+":
            value = operand if value else ""
        elif not value and operator == "=":
            value = operand
        elif not value:
            raise _Unset(name)
        return _expand_home(value)

    return _EXPRESSION.sub(value_of, text)


def _expand_home(value: str) -> str:
    if not value.startswith("~"):
        return value
    home, slash, rest = value.partition("/")
    try:
        return f"{Path(home).expanduser()}{slash}{rest}"
    except RuntimeError:  # no such user
        return value


def convert(text: str) -> bool | int | float | str | None:
    """Give a substituted text the type that it looks like."""
    if not text:
        return None
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
