"""The vector stores of a Llama Stack inside this process, also those that its registry lacks.

The registry is in the memory of this process and is rebuilt from run.yaml. Stores that were made
at run time, before a restart or by another process, are known to their provider alone, so it is
brought abreast of the providers that keep their own.
"""

import asyncio
import time
from typing import Any
from uuid import uuid4

from llama_stack.core.datatypes import VectorStoreWithOwner
from llama_stack_api import OpenAICreateVectorStoreRequestWithExtraBody

from lightspeed_core.engine.llama_stack.stack import Json
from lightspeed_core.errors import InvalidRequest
from lightspeed_stack_providers.keeping import KeepsStores, KeptStore

STALE_SECONDS = 0.25
_KIND = "vector_store"


class InProcessStores:
    """The stores of the routing table `table`; `config` says what a new one takes by default."""

    def __init__(self, table: Any, config: Any) -> None:
        self._table = table
        self._registry = table.dist_registry
        self._defaults = config.vector_stores
        self._keepers: dict[str, KeepsStores] = {
            provider_id: provider
            for provider_id, provider in table.impls_by_provider_id.items()
            if isinstance(provider, KeepsStores)
        }
        self._kept: dict[str, Json] = {}
        self._asked_at = -STALE_SECONDS
        self._asking = asyncio.Lock()

    async def list(self) -> list[Json]:
        """List the stores; what others did in the last quarter of a second may be missing."""
        if time.monotonic() - self._asked_at > STALE_SECONDS:
            await self.refresh()
        registered = await self._table.get_all_with_type(_KIND)
        return [self._kept.get(each.identifier) or _registered(each) for each in registered]

    async def find(self, store_id: str) -> Json | None:
        """Find a store; one that is not known is asked for at once."""
        if time.monotonic() - self._asked_at > STALE_SECONDS:
            await self.refresh()
        found = await self._table.get_object_by_identifier(_KIND, store_id)
        if found is None and self._keepers:
            await self.refresh()
            found = await self._table.get_object_by_identifier(_KIND, store_id)
        return None if found is None else self._kept.get(store_id) or _registered(found)

    async def create(self, body: Json) -> str:
        """Make a store and give its id. Raises `InvalidRequest` where the choice is open."""
        provider_id = body.get("provider_id") or self._default_provider()
        model, dimension = await self._model_of(body)
        store_id = body.get("store_id") or f"vs_{uuid4()}"
        await self._table.register_vector_store(
            vector_store_id=store_id,
            embedding_model=model,
            embedding_dimension=dimension,
            provider_id=provider_id,
            provider_vector_store_id=store_id,
            vector_store_name=body["name"],
        )
        made = OpenAICreateVectorStoreRequestWithExtraBody.model_validate(
            {
                "name": body["name"],
                "metadata": body["metadata"],
                "provider_vector_store_id": store_id,
                "provider_id": provider_id,
                "embedding_model": model,
                "embedding_dimension": dimension,
            }
        )
        await self._table.impls_by_provider_id[provider_id].openai_create_vector_store(made)
        await self.refresh()
        return store_id

    async def refresh(self) -> None:
        """Ask the providers now, and let the registry know what they keep and nothing else."""
        async with self._asking:
            asked_at = time.monotonic()
            kept: dict[str, Json] = {}
            for provider_id, keeper in self._keepers.items():
                for store in await keeper.kept_stores():
                    kept[store.store_id] = _kept(store, provider_id)
                    if self._registry.get_cached(_KIND, store.store_id) is None:
                        await self._registry.update(_entry(store, provider_id))
            for entry in await self._table.get_all_with_type(_KIND):
                if entry.provider_id in self._keepers and entry.identifier not in kept:
                    await self._registry.delete(_KIND, entry.identifier)
            self._kept = kept
            self._asked_at = asked_at

    def _default_provider(self) -> str:
        configured = self._defaults and self._defaults.default_provider_id
        known: list[str] = list(self._table.impls_by_provider_id)
        if configured in known:
            return str(configured)
        if len(known) != 1:
            raise InvalidRequest(
                "Invalid request",
                f"provider_id must name one of the providers of vector stores: {', '.join(known)}",
            )
        return known[0]

    async def _model_of(self, body: Json) -> tuple[str, int]:
        model, dimension = body.get("embedding_model"), body.get("embedding_dimension")
        if model is None:
            default = self._defaults and self._defaults.default_embedding_model
            if not default:
                raise InvalidRequest("Invalid request", "embedding_model must be given")
            model = f"{default.provider_id}/{default.model_id}"
            made = await self._table.get_object_by_identifier("model", model)
            known = made.metadata.get("embedding_dimension") if made else None
            made_by_it = default.embedding_dimensions or known
            if made_by_it and dimension not in {None, int(made_by_it)}:
                raise InvalidRequest(
                    "Invalid request",
                    f"Model {model} makes vectors of dimension {made_by_it}, not {dimension}",
                )
            dimension = made_by_it or dimension
        if dimension is None:
            raise InvalidRequest(
                "Invalid request", f"embedding_dimension must be given: {model} does not tell it"
            )
        return str(model), int(dimension)


def _registered(store: Any) -> Json:
    return {
        "identifier": store.identifier,
        "name": store.vector_store_name,
        "provider_id": store.provider_id,
        "embedding_model": store.embedding_model,
        "embedding_dimension": store.embedding_dimension,
        "wanted_model": None,
    }


def _kept(store: KeptStore, provider_id: str) -> Json:
    return {
        "identifier": store.store_id,
        "name": store.name,
        "provider_id": provider_id,
        "embedding_model": store.embedding_model,
        "embedding_dimension": store.embedding_dimension,
        "wanted_model": store.wanted_model,
    }


def _entry(store: KeptStore, provider_id: str) -> VectorStoreWithOwner:
    return VectorStoreWithOwner(
        identifier=store.store_id,
        provider_id=provider_id,
        provider_resource_id=store.store_id,
        embedding_model=store.embedding_model,
        embedding_dimension=store.embedding_dimension,
        vector_store_name=store.name,
    )
