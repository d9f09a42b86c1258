"""Trees of plain values put over one another."""

from collections.abc import Mapping
from typing import Any, cast

type Tree = dict[str, Any]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Tree:
    """Return `base` with `over` put on it: mappings merge, lists and single values replace."""
    merged: Tree = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            merged[key] = merge(cast("Tree", below), cast("Mapping[str, Any]", value))
        else:
            merged[key] = value
    return merged
