"""A stack with one real store of vectors on its disk, and an embedder that counts words."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, override

from llama_stack_api import InsertChunksRequest, QueryChunksRequest

from lightspeed_core.engine.llama_stack.engine import LlamaStackEngine
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.llama_stack.stack import Json, Scored, Stack
from lightspeed_core.engine.protocol import Engine
from lightspeed_stack_providers.faiss_hybrid import FaissHybrid
from tests.support.kill_points import STORED, WritePoints
from tests.support.memory_stack import MemoryStack, model
from tests.unit.providers.faiss_hybrid.parts import DIMENSION, MODEL, STORE, embed, open_store


class ProviderStack(MemoryStack):
    """Speaks to the provider as a booted stack does; `points` see what is written to it."""

    def __init__(self, provider: FaissHybrid, points: WritePoints | None = None) -> None:
        kept: dict[str, Any] = {
            "identifier": STORE,
            "name": STORE,
            "provider_id": "hybrid",
            "embedding_model": MODEL,
            "embedding_dimension": DIMENSION,
            "wanted_model": None,
        }
        described: dict[str, Any] = {
            "api": "vector_io",
            "provider_id": "hybrid",
            "provider_type": "inline::faiss_hybrid",
            "config": {},
        }
        super().__init__(
            listed_models=[model(MODEL, "embedding")],
            listed_stores=[kept],
            listed_providers=[described],
        )
        self._provider = provider
        self._points = points
        self.embedded: list[str] = []

    @override
    async def embed(self, body: Json) -> list[list[float]]:
        self.embedded += body["input"]
        return [embed(text) for text in body["input"]]

    @override
    async def query(self, store_id: str, query: str, params: Json) -> list[Scored]:
        request = QueryChunksRequest(vector_store_id=store_id, query=query, params=dict(params))
        answer = await self._provider.query_chunks(request)
        return [
            Scored(chunk.model_dump(exclude={"embedding"}), score)
            for chunk, score in zip(answer.chunks, answer.scores, strict=True)
        ]

    @override
    async def insert(self, store_id: str, chunks: Sequence[Json]) -> None:
        request = InsertChunksRequest.model_validate(
            {"vector_store_id": store_id, "chunks": chunks}
        )
        with self._passing():
            await self._provider.insert_chunks(request)

    @override
    async def files(self, store_id: str) -> list[Json]:
        page = await self._provider.openai_list_files_in_vector_store(
            vector_store_id=store_id, limit=1000, order="asc"
        )
        return [{"id": each.id, "attributes": each.attributes} for each in page.data]

    @override
    async def file(self, store_id: str, file_id: str) -> Json | None:
        return next((each for each in await self.files(store_id) if each["id"] == file_id), None)

    @override
    async def contents(self, store_id: str, file_id: str, *, embedded: bool) -> list[Json]:
        answer = await self._provider.openai_retrieve_vector_store_file_contents(
            vector_store_id=store_id,
            file_id=file_id,
            include_embeddings=embedded,
            include_metadata=embedded,
        )
        return [each.model_dump(mode="json") for each in answer.data]

    @override
    async def delete_file(self, store_id: str, file_id: str) -> None:
        with self._passing():
            await self._provider.openai_delete_vector_store_file(
                vector_store_id=store_id, file_id=file_id
            )

    def _passing(self) -> AbstractContextManager[None]:
        return nullcontext() if self._points is None else self._points.passing(STORED)


@asynccontextmanager
async def engine_on_disk(
    path: Path, points: WritePoints | None = None
) -> AsyncGenerator[tuple[Engine, ProviderStack]]:
    """Open an engine over a file of vector stores, which has the store `STORE`."""
    async with open_store(path) as provider:
        stack = ProviderStack(provider, points)

        async def opened(settings: EngineSettings, on_stage: Any) -> Stack:
            del settings, on_stage
            return stack

        engine = LlamaStackEngine(EngineSettings(data_dir=path.parent), opened)
        await engine.start()
        try:
            yield engine, stack
        finally:
            await engine.close()
