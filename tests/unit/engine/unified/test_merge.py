"""Trees put over one another."""

from lightspeed_core.engine.llama_stack.unified.merge import merge


def test_mappings_merge_and_lists_and_single_values_replace() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
    over = {"a": {"c": [3], "g": {"h": None}}, "d": {"i": 2}, "e": None}

    assert merge(base, over) == {
        "a": {"b": 1, "c": [3], "g": {"h": None}},
        "d": {"i": 2},
        "e": None,
    }
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
