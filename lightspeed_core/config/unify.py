"""One file out of two: a run.yaml written into the configuration that named it. Reads nothing."""

from collections.abc import Mapping
from typing import Any

from lightspeed_core.config.llama_stack import Baseline, ConfigurationFormat
from lightspeed_core.config.place import is_mapping
from lightspeed_core.errors import ConfigurationError


def unify(tree: Mapping[str, Any], run_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree of a file that means what the two mean together.

    Expressions stay as they are written. Raises `ConfigurationError` for a file that is unified
    already, or that uses a Llama Stack server.
    """
    stack = tree.get("llama_stack")
    if not is_mapping(stack):
        raise ConfigurationError("llama_stack: is required and missing")
    if not stack.get("use_as_library_client"):
        raise ConfigurationError(
            "llama_stack.use_as_library_client is not true: a Llama Stack server reads its own "
            "run.yaml, and there is nothing to merge"
        )
    for place, found in (
        ("llama_stack.config", stack.get("config")),
        ("inference.providers", _inner(tree, "inference")),
        ("vector_store.providers", _inner(tree, "vector_store")),
    ):
        if found:
            raise ConfigurationError(f"{place} is set: the file is unified already")
    override = {"baseline": Baseline.EMPTY.value, "native_override": dict(run_config)}
    kept = {key: value for key, value in stack.items() if key != "library_client_config_path"}
    return {
        **tree,
        "llama_stack": {**kept, "config": override},
        "config_format_version": ConfigurationFormat.UNIFIED.value,
    }


def _inner(tree: Mapping[str, Any], section: str) -> object:
    found = tree.get(section)
    return found.get("providers") if is_mapping(found) else None
