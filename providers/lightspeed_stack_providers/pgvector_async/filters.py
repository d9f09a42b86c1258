"""Filters as PostgreSQL's conditions over the metadata of chunks.

They mean what they mean in `faiss_hybrid`: a chunk that lacks the key matches `ne` and `nin` and
nothing else, a number is never compared with a text, booleans count as 0 and 1.
"""

import json
from typing import Any, Final

from lightspeed_stack_providers.vector_stores import filters
from lightspeed_stack_providers.vector_stores.filters import (
    Condition,
    Filters,
    Joined,
    Ordered,
    Scalar,
)

_NUMBER: Final = (
    "CASE jsonb_typeof(metadata -> {key}) WHEN 'number' THEN (metadata ->> {key})::numeric"
    " WHEN 'boolean' THEN (metadata ->> {key})::boolean::integer::numeric END"
)
_TEXT: Final = (
    "CASE jsonb_typeof(metadata -> {key}) WHEN 'string' THEN metadata ->> {key} END COLLATE \"C\""
)


def to_sql(wanted: Filters, values: list[Any]) -> str:
    """Translate; what the placeholders stand for is appended to `values`.

    Raises `InvalidParameterError` for what is not a filter.
    """
    return _translate(filters.read(wanted), values)


def _translate(condition: Condition, values: list[Any]) -> str:
    match condition:
        case Joined(operator, parts):
            return f" {operator} ".join(f"({_translate(part, values)})" for part in parts)
        case Ordered(key, operator, value):
            name = f"{_place(key, values)}::text"
            kind, cast = (_TEXT, "text") if isinstance(value, str) else (_NUMBER, "numeric")
            text = value if isinstance(value, str) else str(_number(value))
            return f"({kind.format(key=name)} {operator} {_place(text, values)}::text::{cast})"
        case _:
            # Containment, for which there is an index.
            wanted = [
                f"metadata @> {_place(json.dumps({condition.key: each}), values)}::jsonb"
                for value in condition.values
                for each in _spellings(value)
            ]
            either = " OR ".join(wanted) or "false"
            return f"NOT ({either})" if condition.negated else f"({either})"


def _spellings(value: Scalar) -> list[Scalar]:
    if isinstance(value, str) or value not in {0, 1}:
        return [value]
    return [_number(value), bool(value)]


def _number(value: Scalar) -> int | float:
    return (
        int(value)
        if isinstance(value, bool)
        else float(value)
        if isinstance(value, float)
        else int(value)
    )


def _place(value: Any, values: list[Any]) -> str:
    values.append(value)
    return f"${len(values)}"
