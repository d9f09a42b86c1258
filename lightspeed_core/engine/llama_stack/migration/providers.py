"""Entries of `providers`: types and settings that have other names, or none, in 0.7."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from lightspeed_core.engine.llama_stack.migration.known import KnownProviders
from lightspeed_core.engine.llama_stack.migration.ledger import Ledger, Tree, items, mapping
from lightspeed_core.engine.llama_stack.migration.storage import Backends
from lightspeed_core.engine.llama_stack.unified.inference import IsInstalled

CARRIED: Final = ("inference", "vector_io", "safety", "files", "tool_runtime")
"""The APIs that 0.7 has and whose providers need nothing that the service lacks."""

_GONE: Final[Mapping[str, str]] = {
    "agents": ("this service keeps turns and conversations itself; what agents stored is not read"),
    "telemetry": "0.7 has none; set the OTEL_* environment variables for what it exports",
    "post_training": "0.7 has none",
}
_UNUSED: Final = "the service does not use this API"
_RENAMED_TYPES: Final[Mapping[str, str]] = {"inline::rag-runtime": "inline::file-search"}
_PACKAGES: Final[Mapping[str, str]] = {
    "inline::sentence-transformers": "sentence_transformers",
    "inline::prompt-guard": "torch",
    "remote::vertexai": "google.genai",
}
_LEAN_TYPE: Final = "remote::openai_compatible"
_LEAN_MODULE: Final = "lightspeed_stack_providers.openai_compatible"
_REFILL: Final = "0.7 does not read the vectors that 0.2 stored: fill its vector stores again"


@dataclass(frozen=True, slots=True)
class ProviderMigration:
    """Takes entries over one by one; what it knows of Llama Stack comes from `known`."""

    known: KnownProviders
    is_installed: IsInstalled
    backends: Backends
    ledger: Ledger

    def migrate(self, content: Mapping[str, Any]) -> Tree:
        """Return `providers`: by API, the entries that could be taken over."""
        taken: Tree = {}
        for api, entries in mapping(content.get("providers")).items():
            place = f"providers.{api}"
            listed = self.ledger.list_at(place, entries)
            if api in CARRIED:
                taken[api] = list(self._entries(api, listed, place, content))
                continue
            why = _GONE.get(api, _UNUSED)
            for index, entry in enumerate(listed):
                named = mapping(entry).get("provider_id")
                self.ledger.leave(f"{place}[{index}]", f"{named}: {why}")
        return taken

    def _entries(
        self, api: str, entries: list[object], place: str, content: Mapping[str, Any]
    ) -> Iterator[Tree]:
        for index, each in enumerate(entries):
            there = f"{place}[{index}]"
            entry = mapping(each)
            if not entry:
                self.ledger.leave(there, "is no provider")
            elif entry.get("module"):
                yield entry
            elif taken := self._entry(api, entry, there, content):
                yield taken

    def _entry(self, api: str, entry: Tree, place: str, content: Mapping[str, Any]) -> Tree | None:
        old_type = str(entry.get("provider_type"))
        if old_type == "remote::ollama":
            return self._ollama(entry, place)
        new_type = _RENAMED_TYPES.get(old_type, old_type)
        if new_type == "inline::file-search" and "files" not in items(content.get("apis")):
            self.ledger.leave(
                place, f"{old_type} needs the API files now, and no tool of it is used"
            )
            return None
        keys = self.known.settings(api, new_type)
        if keys is None:
            # A folder of further providers may know it.
            if content.get("external_providers_dir"):
                return entry
            self.ledger.leave(place, f"0.7 has no provider '{old_type}'")
            return None
        if (package := _PACKAGES.get(new_type)) and not self.is_installed(package):
            self.ledger.change(
                place, f"{new_type} needs the Python package {package}, which is not installed"
            )
        config = self._config(entry, keys, place)
        return {**entry, "provider_type": new_type, "config": config}

    def _ollama(self, entry: Tree, place: str) -> Tree:
        """Take our provider, for Llama Stack's needs a package that does not come along."""
        config = mapping(entry.get("config"))
        url = str(config.get("url") or "http://localhost:11434").rstrip("/")
        base_url = str(config.get("base_url") or (url if url.endswith("/v1") else f"{url}/v1"))
        self._leave_keys(config.keys() - {"url", "base_url"}, place)
        self.ledger.change(place, f"remote::ollama is served by {_LEAN_TYPE} at {base_url}")
        return {
            "provider_id": entry.get("provider_id"),
            "provider_type": _LEAN_TYPE,
            "module": _LEAN_MODULE,
            "config": {"base_url": base_url},
        }

    def _config(self, entry: Tree, keys: frozenset[str], place: str) -> Tree:
        old = mapping(entry.get("config"))
        if entry.get("config") and not old:
            self.ledger.leave(f"{place}.config", "must be a mapping")
        config: Tree = {}
        unknown: set[str] = set()
        for key, value in old.items():
            if key == "kvstore" and "persistence" in keys:
                self._add_persistence(entry, value, config, place)
            elif key == "metadata_store" and isinstance(value, dict) and "backend" not in value:
                self._add_files(entry, cast("Tree", value), config, place)
            elif key in keys:
                config[key] = value
            elif key in {"url", "api_base"} and "base_url" in keys:
                config["base_url"] = _address(key, str(value))
            else:
                unknown.add(key)
        self._leave_keys(unknown, place)
        return config

    def _add_persistence(self, entry: Tree, store: Any, config: Tree, place: str) -> None:
        provider_id = _plain(entry)
        name = self.backends.name("kv", store, f"{place}.config.kvstore", f"kv_{provider_id}")
        if name is not None:
            config["persistence"] = {"namespace": f"vector_io::{provider_id}", "backend": name}
        self.ledger.leave(place, _REFILL)

    def _add_files(self, entry: Tree, store: Tree, config: Tree, place: str) -> None:
        wanted = f"sql_{_plain(entry)}"
        name = self.backends.name("sql", store, f"{place}.config.metadata_store", wanted)
        if name is not None:
            config["metadata_store"] = {"table_name": "files_metadata", "backend": name}

    def _leave_keys(self, keys: set[str], place: str) -> None:
        for key in sorted(keys):
            self.ledger.leave(f"{place}.config.{key}", "the provider has no such setting in 0.7")


def _address(key: str, value: str) -> str:
    """Complete the address of Azure's endpoint, whose path the provider added until 0.2."""
    if key == "api_base" and "/openai" not in value:
        return f"{value.rstrip('/')}/openai/v1"
    return value


def _plain(entry: Tree) -> str:
    """Return a provider's id as part of a name."""
    return "".join(
        each if each.isalnum() or each in "-_" else "_" for each in str(entry.get("provider_id"))
    )
