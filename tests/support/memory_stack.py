"""A `Stack` in memory: what the adapter's parts are tried on without Llama Stack."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, override

from lightspeed_core.engine.llama_stack.stack import Json, Scored, Stack
from lightspeed_core.engine.types import ProviderHealth
from lightspeed_stack_providers.counting import TokenCount
from lightspeed_stack_providers.lean import LeanDelta


def model(identifier: str, model_type: str = "llm") -> dict[str, Any]:
    """Describe a model as a stack lists it."""
    provider_id, _, name = identifier.partition("/")
    return {
        "identifier": identifier,
        "provider_id": provider_id,
        "provider_resource_id": name,
        "model_type": model_type,
        "metadata": {},
    }


def provider(provider_id: str, provider_type: str, api: str = "inference") -> dict[str, Any]:
    """Describe a provider as a stack lists it."""
    return {"api": api, "provider_id": provider_id, "provider_type": provider_type, "config": {}}


def store(store_id: str, provider_id: str) -> dict[str, Any]:
    """Describe a vector store as a stack lists it."""
    return {
        "identifier": store_id,
        "name": f"name of {store_id}",
        "provider_id": provider_id,
        "embedding_model": "emb/model",
        "embedding_dimension": 2,
    }


@dataclass
class MemoryStack(Stack):
    """Lists what it was given, answers with it, and keeps what it was asked."""

    listed_models: list[Json] = field(default_factory=list[Json])
    listed_shields: list[Json] = field(default_factory=list[Json])
    listed_providers: list[Json] = field(default_factory=list[Json])
    listed_stores: list[Json] = field(default_factory=list[Json])
    listed_files: list[Json] = field(default_factory=list[Json])
    listed_contents: list[Json] = field(default_factory=list[Json])
    counts: dict[str, TokenCount] = field(default_factory=dict[str, TokenCount])
    found: list[list[Scored]] = field(default_factory=list[list[Scored]])
    deltas: list[LeanDelta] = field(default_factory=list[LeanDelta])
    violation: Json | None = None
    error: Exception | None = None
    health_asked: int = 0
    asked: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    is_closed: bool = False

    @override
    async def version(self) -> str:
        return "0.7.3"

    @override
    async def models(self) -> list[Json]:
        return self.listed_models

    @override
    async def shields(self) -> list[Json]:
        return self.listed_shields

    @override
    async def providers(self) -> list[Json]:
        return self.listed_providers

    @override
    async def provider_types(self, api: str) -> Mapping[str, str]:
        entries = [each for each in self.listed_providers if each["api"] == api]
        return {each["provider_id"]: each["provider_type"] for each in entries}

    @override
    async def vector_stores(self) -> list[Json]:
        return self.listed_stores

    @override
    async def find_model(self, model: str) -> Json | None:
        return next((each for each in self.listed_models if each["identifier"] == model), None)

    @override
    async def find_vector_store(self, store_id: str) -> Json | None:
        return next((each for each in self.listed_stores if each["identifier"] == store_id), None)

    @override
    async def describe_vector_store(self, store_id: str) -> Json:
        self.asked.append(("describe_vector_store", store_id))
        return {"id": store_id, "name": None, "created_at": 1763391371, "status": "completed"}

    @override
    async def create_vector_store(self, body: Json) -> str:
        self.asked.append(("create_vector_store", body))
        store_id = str(body.get("store_id", "vs_new"))
        provider_id = str(body.get("provider_id", "db"))
        self.listed_stores = [*self.listed_stores, store(store_id, provider_id)]
        return store_id

    @override
    async def update_vector_store(self, store_id: str, body: Json) -> None:
        self.asked.append(("update_vector_store", (store_id, body)))

    @override
    async def delete_vector_store(self, store_id: str) -> bool:
        self.asked.append(("delete_vector_store", store_id))
        return True

    @override
    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        self.asked.append(("replace_vector_store", (store_id, by)))

    @override
    async def health(self) -> list[ProviderHealth]:
        self.health_asked += 1
        if self.error is not None:
            raise self.error
        return [ProviderHealth(provider_id="one", status="OK")]

    @override
    async def chat(self, body: Json) -> AsyncGenerator[LeanDelta]:
        self.asked.append(("chat", body))
        for delta in self.deltas:
            yield delta
        if self.error is not None:
            raise self.error

    @override
    async def embed(self, body: Json) -> list[list[float]]:
        self.asked.append(("embed", body))
        return [[1.0, 0.0] for _ in body["input"]]

    @override
    async def token_count(self, model: str) -> TokenCount | None:
        return self.counts.get(model)

    @override
    async def query(self, store_id: str, query: str, params: Json) -> list[Scored]:
        self.asked.append(("query", (store_id, query, params)))
        return self.found.pop(0) if self.found else []

    @override
    async def insert(self, store_id: str, chunks: Sequence[Json]) -> None:
        self.asked.append(("insert", (store_id, chunks)))

    @override
    def require_chunk_deletion(self, store_id: str) -> None:
        self.asked.append(("require_chunk_deletion", store_id))

    @override
    async def delete_chunks(self, store_id: str, chunks: Sequence[Json]) -> None:
        self.asked.append(("delete_chunks", (store_id, chunks)))

    @override
    async def files(self, store_id: str) -> list[Json]:
        return self.listed_files

    @override
    async def file(self, store_id: str, file_id: str) -> Json | None:
        return next((each for each in self.listed_files if each["id"] == file_id), None)

    @override
    async def contents(self, store_id: str, file_id: str, *, embedded: bool) -> list[Json]:
        self.asked.append(("contents", (store_id, file_id, embedded)))
        return self.listed_contents

    @override
    async def delete_file(self, store_id: str, file_id: str) -> None:
        self.asked.append(("delete_file", (store_id, file_id)))

    @override
    async def run_shield(self, shield_id: str, messages: Sequence[Json]) -> Json | None:
        self.asked.append(("run_shield", (shield_id, messages)))
        return self.violation

    @override
    async def close(self) -> None:
        self.is_closed = True
