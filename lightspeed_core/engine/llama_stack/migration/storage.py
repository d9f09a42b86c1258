"""Databases: each stood where it was used, and is named once in `storage.backends` now."""

from collections.abc import Mapping
from typing import Any, Final

from lightspeed_core.engine.llama_stack.migration.ledger import Ledger, Tree, mapping
from lightspeed_core.engine.llama_stack.unified.vector_io import DATA_DIR

_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "kv": frozenset({"sqlite", "redis", "postgres", "mongodb"}),
    "sql": frozenset({"sqlite", "postgres"}),
}
# Belong to what uses a database, and not to the database.
_OF_THE_USER: Final = frozenset({"namespace", "table_name", "max_write_queue_size", "num_writers"})
_FALLBACK: Final[Mapping[str, Tree]] = {
    "kv_default": {"type": "kv_sqlite", "db_path": ":memory:"},
    "sql_default": {"type": "sql_sqlite", "db_path": f"{DATA_DIR}/llama-stack.db"},
}

_TABLES: Final = {
    "inference_store": ("inference", "inference_store"),
    "conversations_store": ("conversations", "openai_conversations"),
}


class Backends:
    """The databases that were found so far; the same one gets one name."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._found: Tree = {}

    def name(self, family: str, store: object, place: str, wanted: str) -> str | None:
        """Return the name of a database of a family (`kv`, `sql`), or None where it has none.

        `wanted` is the name for one that was not met before.
        """
        settings = mapping(store)
        kind = str(settings.get("type"))
        if kind not in _TYPES[family]:
            known = ", ".join(sorted(_TYPES[family]))
            self._ledger.leave(place, f"a database of type '{kind}' has no successor; {known} have")
            return None
        backend: Tree = {"type": f"{family}_{kind}"}
        backend |= {
            key: value
            for key, value in settings.items()
            if key != "type" and key not in _OF_THE_USER and value is not None
        }
        for name, known_backend in self._found.items():
            if known_backend == backend:
                return name
        free = wanted
        while free in self._found:
            free += "_2"
        self._found[free] = backend
        return free

    def stores(self, content: Mapping[str, Any]) -> Tree:
        """Return the stores that the file named; their databases get the names of the defaults."""
        stores: Tree = {}
        if (store := content.get("metadata_store")) is not None and (
            name := self.name("kv", store, "metadata_store", "kv_default")
        ):
            # What 0.2 registered under the same prefix, 0.7 would take for its own.
            taken = "registry" in str(mapping(store).get("namespace"))
            stores["metadata"] = {"namespace": "registry_2" if taken else "registry"}
            stores["metadata"]["backend"] = name
        for key, (logical, table) in _TABLES.items():
            if (store := content.get(key)) is not None:
                inner = mapping(store).get("sql_store_config", store)
                if name := self.name("sql", inner, key, "sql_default"):
                    stores[logical] = {"table_name": table, "backend": name}
        return stores

    def section(self, content: Mapping[str, Any], stores: Tree) -> Tree:
        """Return `storage` with the stores, and the databases that were found until now."""
        present = mapping(content.get("storage"))
        backends = {**_FALLBACK, **self._found, **mapping(present.get("backends"))}
        section: Tree = {**present, "backends": backends}
        if stores:
            section["stores"] = {**stores, **mapping(present.get("stores"))}
        return section
