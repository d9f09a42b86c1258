import json
import operator
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_stack_api import ComparisonFilter, CompoundFilter, InvalidParameterError

from lightspeed_stack_providers.faiss_hybrid.filters import to_sql

keys = st.sampled_from(["page", "title", 'odd"key', "a.b"])
scalars = st.one_of(
    st.booleans(), st.integers(-5, 5), st.sampled_from([0.5, 1.0]), st.sampled_from(["a", "b", "1"])
)
metadata = st.dictionaries(keys, scalars, max_size=4)
comparisons = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
            "key": keys,
            "value": scalars,
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["in", "nin"]),
            "key": keys,
            "value": st.lists(scalars, max_size=3),
        }
    ),
)


def compound(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    kinds = st.sampled_from(["and", "or"])
    return st.fixed_dictionaries(
        {"type": kinds, "filters": st.lists(parts, min_size=1, max_size=3)}
    )


def passes(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Say by plain Python what the SQL has to say."""
    kind = wanted["type"]
    if kind in {"and", "or"}:
        parts = [passes(found, part) for part in wanted["filters"]]
        return all(parts) if kind == "and" else any(parts)
    value = wanted["value"]
    if wanted["key"] not in found:
        return kind in {"ne", "nin"}
    own = found[wanted["key"]]
    match kind:
        case "eq" | "ne":
            return (own == value) is (kind == "eq")
        case "in" | "nin":
            return (own in value) is (kind == "in")
        case _:
            same_kind = isinstance(own, str) is isinstance(value, str)
            compare = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
            return same_kind and bool(compare[kind](own, value))


def select(found: dict[str, Any], wanted: Any) -> bool:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE chunks (metadata TEXT)")
        connection.execute("INSERT INTO chunks VALUES (?)", (json.dumps(found),))
        sql, values = to_sql(wanted)
        rows = connection.execute(f"SELECT 1 FROM chunks WHERE {sql}", values).fetchall()
    connection.close()
    return bool(rows)


@given(metadata, st.recursive(comparisons, compound, max_leaves=5))
def test_a_filter_selects_what_its_words_say(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert select(found, wanted) is passes(found, wanted)


def test_filters_come_as_the_stacks_own_objects_too() -> None:
    wanted = CompoundFilter(
        type="and", filters=[ComparisonFilter(type="eq", key="product", value="x")]
    )
    assert select({"product": "x"}, wanted)
    assert not select({"product": "y"}, wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        "title",
        {"type": "like", "key": "title", "value": "x"},
        {"type": "eq", "key": "title"},
        {"type": "eq", "key": "title", "value": None},
        {"type": "eq", "key": "title", "value": {"a": 1}},
        {"type": "eq", "key": "page", "value": 2**63},
        {"type": "in", "key": "title", "value": "x"},
        {"type": "and", "filters": []},
        {"type": "and", "filters": ["x"]},
    ],
)
def test_what_is_no_filter_is_refused_with_its_text(wrong: Any) -> None:
    with pytest.raises(InvalidParameterError, match="Invalid value for 'filters'"):
        to_sql(wrong)


def test_a_filter_without_end_is_refused() -> None:
    deep: dict[str, Any] = {"type": "eq", "key": "a", "value": 1}
    for _ in range(40):
        deep = {"type": "or", "filters": [deep]}
    with pytest.raises(InvalidParameterError, match="at most 32 deep"):
        to_sql(deep)
