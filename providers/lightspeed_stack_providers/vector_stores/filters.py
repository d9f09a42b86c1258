"""OpenAI's attribute filters, read into comparisons that each database says in its own SQL.

A chunk that lacks the key matches `ne` and `nin` and nothing else. A number is never compared with
a text. Booleans count as 0 and 1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from llama_stack_api import ComparisonFilter, CompoundFilter, InvalidParameterError

type Filters = ComparisonFilter | CompoundFilter | Mapping[str, Any]
type Scalar = str | int | float

_ALL: Final = "eq, ne, gt, gte, lt, lte, in, nin, and, or"
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute `key` is one of `values`."""

    key: str
    values: tuple[Scalar, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """The attribute `key` is of the value's kind and stands so to it; `operator` is SQL's."""

    key: str
    operator: Literal["<", "<=", ">", ">="]
    value: Scalar


@dataclass(frozen=True, slots=True)
class Joined:
    """All of the parts are so, or any of them."""

    operator: Literal["AND", "OR"]
    parts: tuple["Condition", ...]


type Condition = Equals | Ordered | Joined

_ORDER: Final[Mapping[str, Literal["<", "<=", ">", ">="]]] = {
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
}


def read(filters: Filters) -> Condition:
    """Read a filter. Raises `InvalidParameterError` for what is none."""
    return _read(_plain(filters), depth=0)


def _plain(filters: Any) -> Any:
    if isinstance(filters, ComparisonFilter | CompoundFilter):
        return filters.model_dump()
    return filters


def _read(filters: Any, *, depth: int) -> Condition:
    filters = _plain(filters)
    if not isinstance(filters, Mapping) or depth > _DEEPEST:
        raise _refusal(filters, f"A filter is an object, at most {_DEEPEST} deep.")
    match filters:
        case {"type": "and" | "or" as kind, "filters": [_, *_] as parts}:
            return Joined(
                "AND" if kind == "and" else "OR",
                tuple(_read(part, depth=depth + 1) for part in parts),
            )
        case {"type": str(kind), "key": str(key), "value": value}:
            return _compare(kind, key, value)
        case _:
            raise _refusal(
                filters,
                'Use {"type": "eq", "key": …, "value": …} or {"type": "and", "filters": […]}; '
                f"the types are {_ALL}.",
            )


def _compare(kind: str, key: str, value: Any) -> Condition:
    match kind:
        case "eq" | "ne":
            return Equals(key, (_scalar(value),), negated=kind == "ne")
        case "in" | "nin":
            if not isinstance(value, list):
                raise _refusal(value, f"The value of '{kind}' is a list.")
            values = tuple(_scalar(item) for item in value)  # pyright: ignore[reportUnknownVariableType] - a JSON list
            return Equals(key, values, negated=kind == "nin")
        case "gt" | "gte" | "lt" | "lte":
            return Ordered(key, _ORDER[kind], _scalar(value))
        case _:
            raise _refusal(kind, f"The types are {_ALL}.")


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    raise _refusal(value, "A value is a text, a number or a boolean.")


def _refusal(value: Any, constraint: str) -> InvalidParameterError:
    shown = json.dumps(value, default=str)[:200]
    return InvalidParameterError("filters", shown, constraint)
