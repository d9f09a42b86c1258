"""What the adapter needs of a Llama Stack, in JSON shapes; in-process and server provide it.

Only the lowest floor is here: models, chat, embeddings, vector_io and safety.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lightspeed_core.engine.types import ProviderHealth
from lightspeed_stack_providers.counting import TokenCount
from lightspeed_stack_providers.lean import LeanDelta

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunk as the stack holds it, with the score that its store gave; None is infinity."""

    chunk: Json
    score: float | None


class Stack(Protocol):
    """A booted Llama Stack. Methods raise whatever their ground raises; callers translate."""

    async def version(self) -> str:
        """Tell the stack's version."""
        ...

    async def models(self) -> list[Json]:
        """List `identifier`, `provider_id`, `provider_resource_id`, `model_type`, `metadata`."""
        ...

    async def shields(self) -> list[Json]:
        """List `identifier`, `provider_id`, `provider_resource_id`, `params`."""
        ...

    async def providers(self) -> list[Json]:
        """List `api`, `provider_id`, `provider_type`, `config` in the order of run.yaml."""
        ...

    async def vector_stores(self) -> list[Json]:
        """List the stores.

        Each has `identifier`, `name`, `provider_id`, `embedding_model`, `embedding_dimension` and
        `wanted_model`.
        """
        ...

    async def create_vector_store(self, body: Json) -> str:
        """Make a store and give its id.

        `body` holds `name` and `metadata`, and what is known of `store_id`, `provider_id`,
        `embedding_model` and `embedding_dimension`.
        """
        ...

    async def update_vector_store(self, store_id: str, body: Json) -> None:
        """Change a listed store, in the words of OpenAI's vector store API."""
        ...

    async def delete_vector_store(self, store_id: str) -> bool:
        """Remove a listed store with all that it holds."""
        ...

    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        """Let a listed store serve what another one of its provider holds."""
        ...

    async def describe_vector_store(self, store_id: str) -> Json:
        """Describe a listed store in the words of OpenAI's vector store API."""
        ...

    async def health(self) -> list[ProviderHealth]:
        """Ask every provider."""
        ...

    async def provider_types(self, api: str) -> Mapping[str, str]:
        """Map the providers of an API to their types, in the order of run.yaml."""
        ...

    async def find_model(self, model: str) -> Json | None:
        """Find a model as `models` lists it."""
        ...

    async def find_vector_store(self, store_id: str) -> Json | None:
        """Find a store as `vector_stores` lists it."""
        ...

    def chat(self, body: Json) -> AsyncGenerator[LeanDelta]:
        """Stream a chat completion, as `LeanChat` promises; `model` is the stack's identifier."""
        ...

    async def embed(self, body: Json) -> list[list[float]]:
        """Embed `input` with `model`, the stack's identifier."""
        ...

    async def token_count(self, model: str) -> TokenCount | None:
        """Give the count of a listed model's own tokenizer, where it is in this process."""
        ...

    async def query(self, store_id: str, query: str, params: Json) -> list[Scored]:
        """Search a store."""
        ...

    async def insert(self, store_id: str, chunks: Sequence[Json]) -> None:
        """Insert embedded chunks."""
        ...

    def require_chunk_deletion(self, store_id: str) -> None:
        """Raise `InvalidRequest` where `delete_chunks` cannot be."""
        ...

    async def delete_chunks(self, store_id: str, chunks: Sequence[Json]) -> None:
        """Delete chunks by `chunk_id` and `document_id`."""
        ...

    async def files(self, store_id: str) -> list[Json]:
        """List the files of a store: `id` and `attributes`."""
        ...

    async def file(self, store_id: str, file_id: str) -> Json | None:
        """Find a file of a store: `id` and `attributes`."""
        ...

    async def contents(self, store_id: str, file_id: str, *, embedded: bool) -> list[Json]:
        """Read a file of a store: `text`, and where asked for chunks `embedding` and `metadata`."""
        ...

    async def delete_file(self, store_id: str, file_id: str) -> None:
        """Delete a file of a store."""
        ...

    async def run_shield(self, shield_id: str, messages: Sequence[Json]) -> Json | None:
        """Run a shield: its violation, or None."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
