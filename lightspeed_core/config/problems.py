"""What pydantic found, in words for whoever wrote the file: file, key, value, what is right."""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lightspeed_core.config.place import Place, Problem, dotted, has_part, is_list, is_mapping
from lightspeed_core.config.redact import MASK, is_secret_key, mask_url
from lightspeed_core.config.schema import known_keys
from lightspeed_core.config.section import Section

_LONGEST_VALUE = 80
_PLAIN_WORDS = {
    "model_type": "must be a mapping of keys",
    "dict_type": "must be a mapping of keys",
    "mapping_type": "must be a mapping of keys",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "missing": "is required and missing",
    "path_not_file": "must name an existing file",
    "invalid_key": "keys must be texts; put this one in quotes",
}


def describe_errors(error: ValidationError, tree: Any, root: type[Section]) -> list[Problem]:
    """Turn pydantic's findings on `tree` into problems, one a place."""
    texts: dict[Place, list[str]] = {}
    for details in error.errors(include_url=False):
        place = locate(details, tree)
        text = _describe(details, root)
        if text not in texts.setdefault(place, []):
            texts[place].append(text)
    return [Problem("; or ".join(said), place) for place, said in texts.items()]


def locate(details: ErrorDetails, tree: Any) -> Place:
    """Return the place in the tree; pydantic also names the branches that it tried."""
    place: Place = ()
    node = tree
    for part in details["loc"]:
        if has_part(node, part):
            place = (*place, part)
            node = node[part]
    if details["type"] == "missing":
        place = (*place, details["loc"][-1])
    return place


def _describe(details: ErrorDetails, root: type[Section]) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        return _describe_unknown_key(details, root)
    if kind in {"enum", "literal_error"}:
        return f"must be one of {details.get('ctx', {}).get('expected', '')}".replace(" or ", ", ")
    if kind == "union_tag_invalid":
        context = details.get("ctx", {})
        return f"{context['discriminator']} must be one of {context['expected_tags']}"
    text = _PLAIN_WORDS.get(kind, details["msg"])
    return text.removeprefix("Value error, ")


def _describe_unknown_key(details: ErrorDetails, root: type[Section]) -> str:
    known = known_keys(root, details["loc"][:-1])
    near = get_close_matches(str(details["loc"][-1]), known, n=1)
    if near:
        return f"unknown key; did you mean '{near[0]}'?"
    return f"unknown key; known keys here are {', '.join(known)}"


def render_problems(file: Path, problems: Sequence[Problem]) -> str:
    """Write one line a problem: file, line, key, value, what is wrong."""
    return "\n".join(_render(file, problem) for problem in problems)


def _render(file: Path, problem: Problem) -> str:
    counted = (("line", problem.line), ("column", problem.column))
    where = ", ".join((str(file), *(f"{name} {number}" for name, number in counted if number)))
    key = dotted(problem.place)
    named = f"{key} = {problem.value}" if problem.value else key
    told = ": ".join(part for part in (where, named, problem.text) if part)
    return " ".join(told.splitlines())


def show_value(place: Place, tree: Any) -> str:
    """Show a single value; whole sections are left out, secrets are masked."""
    node = tree
    for part in place:
        if not has_part(node, part):
            return ""
        node = node[part]
    if is_mapping(node) or is_list(node):
        return ""
    if any(is_secret_key(part) for part in place if isinstance(part, str)):
        return MASK
    shown = json.dumps(node, default=str, ensure_ascii=False)
    return mask_url(shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…")
