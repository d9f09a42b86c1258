"""Models, shields and vector stores: their ids in 0.7, and what they refer to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lightspeed_core.engine.llama_stack.migration.ledger import Ledger, Tree, items, mapping

_DROPPED: Final[Mapping[str, str]] = {
    "datasets": "the service does not use datasets",
    "scoring_fns": "the service does not use scoring",
    "benchmarks": "the service does not use evaluation",
}
_TOOL_GROUP: Final = "its provider was not carried over"
_MCP_GROUP: Final = "name the server in mcp_servers of the service's own configuration"
_SENTENCES: Final = "inline::sentence-transformers"


@dataclass(slots=True)
class ResourceMigration:
    """Takes over what was registered with the `providers` that were taken over."""

    providers: Mapping[str, list[Tree]]
    ledger: Ledger
    # Old model ids to new ones.
    _names: dict[str, str] = field(default_factory=dict[str, str])
    _models: list[Tree] = field(default_factory=list[Tree])

    def migrate(self, content: Mapping[str, Any]) -> Tree:
        """Return `registered_resources`."""
        for index, model in self._listed(content, "models"):
            self._take_model(model, f"models[{index}]")
        stores = list(self._stores(content))
        shields = list(self._shields(content))
        for key, why in _DROPPED.items():
            for index, _ in self._listed(content, key):
                self.ledger.leave(f"{key}[{index}]", why)
        self._leave_tool_groups(content)
        present = mapping(content.get("registered_resources"))
        found = {"models": self._models, "vector_stores": stores, "shields": shields}
        return {
            **present,
            **{key: [*new, *items(present.get(key))] for key, new in found.items() if new},
        }

    def _leave_tool_groups(self, content: Mapping[str, Any]) -> None:
        """Name the tool groups that do not follow from a provider that was taken over."""
        taken = self._ids("tool_runtime")
        for index, group in self._listed(content, "tool_groups"):
            place, named = f"tool_groups[{index}]", group.get("toolgroup_id")
            if group.get("mcp_endpoint"):
                self.ledger.leave(place, f"{named}: {_MCP_GROUP}")
            elif group.get("provider_id") not in taken:
                self.ledger.leave(place, f"{named}: {_TOOL_GROUP}")

    def _listed(self, content: Mapping[str, Any], key: str) -> Iterator[tuple[int, Tree]]:
        for index, item in enumerate(self.ledger.list_at(key, content.get(key))):
            if found := mapping(item):
                yield index, found
            else:
                self.ledger.leave(f"{key}[{index}]", "is no mapping of keys")

    def _take_model(self, model: Tree, place: str) -> None:
        owner = self._owner(model, "inference", place)
        if owner is None:
            return
        old = str(model.get("model_id"))
        own_name = str(model.get("provider_model_id") or old)
        new = f"{owner}/{own_name}"
        self._names |= {old: new, own_name: new, new: new}
        if old not in {new, own_name}:
            self.ledger.change(place, f"the model '{old}' is called '{new}' now")
        taken = {key: value for key, value in model.items() if key != "model_validation"}
        self._models.append(
            {**taken, "model_id": own_name, "provider_id": owner, "provider_model_id": own_name}
        )

    def _stores(self, content: Mapping[str, Any]) -> Iterator[Tree]:
        for index, store in self._listed(content, "vector_dbs"):
            place = f"vector_dbs[{index}]"
            owner = self._owner(store, "vector_io", place)
            model = self._embedding_model(store, place) if owner else None
            if owner is None or model is None:
                continue
            identifier = store.get("vector_db_id")
            taken: Tree = {
                "vector_store_id": identifier,
                "vector_store_name": store.get("vector_db_name") or identifier,
                "provider_id": owner,
                "embedding_model": model,
                "embedding_dimension": store.get("embedding_dimension"),
            }
            if own_id := store.get("provider_vector_db_id"):
                taken["provider_vector_store_id"] = own_id
            yield taken

    def _embedding_model(self, store: Tree, place: str) -> str | None:
        """Return the new id of a store's model, which has to be registered now."""
        old = str(store.get("embedding_model"))
        found = self._names.get(old) or self._register_embedding_model(old, place)
        if found is not None:
            for model in self._models:
                if f"{model['provider_id']}/{model['model_id']}" == found:
                    metadata = mapping(model.get("metadata"))
                    dimension = store.get("embedding_dimension")
                    model["metadata"] = {"embedding_dimension": dimension, **metadata}
        return found

    def _register_embedding_model(self, old: str, place: str) -> str | None:
        entries = self.providers.get("inference", [])
        owner, _, own_name = old.partition("/")
        if owner not in self._ids("inference") or not own_name:
            sentences = [
                str(entry.get("provider_id"))
                for entry in entries
                if entry.get("provider_type") == _SENTENCES
            ]
            if not sentences:
                self.ledger.leave(place, f"no provider of its embedding model '{old}' is known")
                return None
            owner, own_name = sentences[0], old
        new = f"{owner}/{own_name}"
        self._names[old] = new
        self._models.append(
            {
                "model_id": own_name,
                "provider_id": owner,
                "provider_model_id": own_name,
                "model_type": "embedding",
            }
        )
        return new

    def _shields(self, content: Mapping[str, Any]) -> Iterator[Tree]:
        for index, shield in self._listed(content, "shields"):
            place = f"shields[{index}]"
            owner = self._owner(shield, "safety", place)
            if owner is None:
                continue
            model = str(shield.get("provider_shield_id") or shield.get("shield_id"))
            yield {
                **shield,
                "provider_id": owner,
                "provider_shield_id": self._names.get(model, model),
            }

    def _ids(self, api: str) -> list[str]:
        return [str(entry.get("provider_id")) for entry in self.providers.get(api, ())]

    def _owner(self, item: Tree, api: str, place: str) -> str | None:
        """Return the provider of a resource; the only one where none is named."""
        ids = self._ids(api)
        named = item.get("provider_id")
        if named is None and len(ids) == 1:
            return ids[0]
        if named in ids:
            return str(named)
        self.ledger.leave(place, _without_provider(named, api, ids))
        return None


def _without_provider(named: object, api: str, ids: Iterable[str]) -> str:
    listed = ", ".join(ids) or "none"
    if named is None:
        return f"names no provider; providers.{api} has {listed}"
    return f"its provider '{named}' was not carried over; providers.{api} has {listed}"
