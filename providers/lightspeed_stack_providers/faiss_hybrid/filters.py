"""Filters as SQLite's conditions over the metadata of chunks.

A chunk that lacks the key matches `ne` and `nin` and nothing else. A number is never compared with
a text. Booleans count as 0 and 1.
"""

from typing import Any, Final

from lightspeed_stack_providers.vector_stores import filters
from lightspeed_stack_providers.vector_stores.filters import Condition, Filters, Joined, Ordered

type Sql = tuple[str, list[Any]]

_ATTRIBUTE: Final = (
    "EXISTS (SELECT 1 FROM json_each(chunks.metadata) AS attribute WHERE attribute.key = ? AND {})"
)


def to_sql(wanted: Filters) -> Sql:
    """Translate. Raises `InvalidParameterError` for what is not a filter."""
    return _translate(filters.read(wanted))


def _translate(condition: Condition) -> Sql:
    match condition:
        case Joined(operator, parts):
            translated = [_translate(part) for part in parts]
            joined = f" {operator} ".join(f"({sql})" for sql, _ in translated)
            return joined, [value for _, values in translated for value in values]
        case Ordered(key, operator, value):
            types = "'text'" if isinstance(value, str) else "'integer', 'real'"
            sql = f"typeof(attribute.value) IN ({types}) AND attribute.value {operator} ?"
            return _ATTRIBUTE.format(sql), [key, value]
        case _:
            places = ", ".join("?" * len(condition.values))
            sql = _ATTRIBUTE.format(f"attribute.value IN ({places})")
            return ("NOT " if condition.negated else "") + sql, [condition.key, *condition.values]
