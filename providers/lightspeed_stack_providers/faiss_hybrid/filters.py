"""OpenAI's attribute filters as SQL conditions over the metadata of chunks.

A chunk that lacks the key matches `ne` and `nin` and nothing else. A number is never compared with
a text. Booleans count as 0 and 1.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from llama_stack_api import ComparisonFilter, CompoundFilter, InvalidParameterError

type Condition = tuple[str, list[Any]]
type Filters = ComparisonFilter | CompoundFilter | Mapping[str, Any]

_ORDER: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_ALL: Final = "eq, ne, gt, gte, lt, lte, in, nin, and, or"
_DEEPEST: Final = 32
_ATTRIBUTE: Final = (
    "EXISTS (SELECT 1 FROM json_each(chunks.metadata) AS attribute WHERE attribute.key = ? AND {})"
)


def to_sql(filters: Filters) -> Condition:
    """Translate. Raises `InvalidParameterError` for what is not a filter."""
    return _translate(_plain(filters), depth=0)


def _plain(filters: Any) -> Any:
    if isinstance(filters, ComparisonFilter | CompoundFilter):
        return filters.model_dump()
    return filters


def _translate(filters: Any, *, depth: int) -> Condition:
    filters = _plain(filters)
    if not isinstance(filters, Mapping) or depth > _DEEPEST:
        raise _refusal(filters, f"A filter is an object, at most {_DEEPEST} deep.")
    match filters:
        case {"type": "and" | "or" as kind, "filters": [_, *_] as parts}:
            conditions = [_translate(part, depth=depth + 1) for part in parts]
            joined = f" {kind.upper()} ".join(f"({sql})" for sql, _ in conditions)
            return joined, [value for _, values in conditions for value in values]
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
        case "eq":
            return _ATTRIBUTE.format("attribute.value = ?"), [key, _scalar(value)]
        case "ne":
            return "NOT " + _ATTRIBUTE.format("attribute.value = ?"), [key, _scalar(value)]
        case "in" | "nin":
            if not isinstance(value, list):
                raise _refusal(value, f"The value of '{kind}' is a list.")
            values = [_scalar(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - a JSON list
            places = ", ".join("?" * len(values))
            sql = _ATTRIBUTE.format(f"attribute.value IN ({places})")
            return ("NOT " if kind == "nin" else "") + sql, [key, *values]
        case "gt" | "gte" | "lt" | "lte":
            types = "'text'" if isinstance(value, str) else "'integer', 'real'"
            sql = f"typeof(attribute.value) IN ({types}) AND attribute.value {_ORDER[kind]} ?"
            return _ATTRIBUTE.format(sql), [key, _scalar(value)]
        case _:
            raise _refusal(kind, f"The types are {_ALL}.")


def _scalar(value: Any) -> str | int | float:
    if isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    raise _refusal(value, "A value is a text, a number or a boolean.")


def _refusal(value: Any, constraint: str) -> InvalidParameterError:
    shown = json.dumps(value, default=str)[:200]
    return InvalidParameterError("filters", shown, constraint)
