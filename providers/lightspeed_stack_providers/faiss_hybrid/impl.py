"""The provider: the stack's vector_io API over one SQLite file.

Embeds questions through the inference API; knows neither files nor how documents are cut.
"""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, override

from llama_stack_api import (
    ConflictError,
    DeleteChunksRequest,
    HealthResponse,
    HealthStatus,
    Inference,
    InsertChunksRequest,
    InvalidParameterError,
    ModelNotFoundError,
    OpenAIEmbeddingsRequestWithExtraBody,
    OpenAISearchVectorStoreRequest,
    QueryChunksRequest,
    QueryChunksResponse,
    VectorStore,
    VectorStoreNotFoundError,
    VectorStoreSearchResponsePage,
    VectorStoresProtocolPrivate,
)

from lightspeed_stack_providers.faiss_hybrid import chunk_rows, openai_view, stores
from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig
from lightspeed_stack_providers.faiss_hybrid.failures import StoreFileUnusable
from lightspeed_stack_providers.faiss_hybrid.file import StoreFile
from lightspeed_stack_providers.faiss_hybrid.openai_stores import OpenAIStores
from lightspeed_stack_providers.faiss_hybrid.query import SearchQuery, read_query, read_search
from lightspeed_stack_providers.faiss_hybrid.stores import Store
from lightspeed_stack_providers.faiss_hybrid.writing import Changes

if TYPE_CHECKING:
    from lightspeed_stack_providers.faiss_hybrid.search import Found, Searcher

_log = logging.getLogger(__name__)


class FaissHybrid(OpenAIStores, VectorStoresProtocolPrivate):
    """Any number of vector stores in one file, searched by vector, by keyword or by both.

    All methods raise `StoreFileUnusable` when the file cannot be used, and
    `VectorStoreNotFoundError` for a store that it does not hold.
    """

    def __init__(self, config: FaissHybridConfig, inference: Inference) -> None:
        super().__init__(StoreFile(config.db_path))
        self._config = config
        self._inference = inference
        self._searcher: Searcher | None = None
        self._failing_models: set[str] = set()

    async def initialize(self) -> None:
        """Open the file, so that a bad one stops the boot."""
        await self._file.read(stores.list_all)

    async def shutdown(self) -> None:
        """Let go of the file and the threads."""
        await self._file.close()

    async def health(self) -> HealthResponse:
        """Say whether the file can be read."""
        try:
            await self._file.read(stores.list_all)
        except StoreFileUnusable as error:
            return HealthResponse(status=HealthStatus.ERROR, message=str(error))
        return HealthResponse(status=HealthStatus.OK)

    @override
    async def register_vector_store(self, vector_store: VectorStore) -> None:
        """Keep a store; one that was filled with another model goes on with that one."""
        store = await self._file.write(
            lambda connection: stores.register(
                connection,
                vector_store.identifier,
                name=vector_store.vector_store_name or vector_store.identifier,
                model=vector_store.embedding_model,
                dimension=vector_store.embedding_dimension,
            )
        )
        self._configured[store.store_id] = vector_store.embedding_model
        configured = (vector_store.embedding_model, vector_store.embedding_dimension)
        if configured != (store.embedding_model, store.embedding_dimension):
            _log.warning(
                "vector store '%s' goes on with the model '%s' (dimension %d) that it was filled "
                "with; it is configured for '%s' (dimension %d): index its documents anew",
                store.store_id,
                store.embedding_model,
                store.embedding_dimension,
                *configured,
            )

    async def _ensure_openai_metadata_exists(self, vector_store: VectorStore) -> None:
        """Do nothing: the stack asks for it by name and warns of providers that lack it."""

    @override
    async def unregister_vector_store(self, vector_store_id: str) -> None:
        """Do nothing: what a store holds is removed by `openai_delete_vector_store` alone."""

    @override
    async def insert_chunks(self, request: InsertChunksRequest) -> None:
        """Store chunks with their documents, all of them or none.

        An empty embedding means that the vector will follow. Raises `InvalidParameterError`, and
        `ConflictError` for chunks of a version that has been replaced.
        """
        if request.ttl_seconds is not None:
            raise InvalidParameterError(
                "ttl_seconds", request.ttl_seconds, "This vector store keeps chunks for good."
            )

        def insert(connection: sqlite3.Connection) -> None:
            store = stores.get(connection, request.vector_store_id)
            changes = Changes(connection, store)
            changes.insert(*chunk_rows.read(request.chunks, store))
            changes.finish()

        await self._file.write(insert)

    async def delete_chunks(self, request: DeleteChunksRequest) -> None:
        """Remove chunks, and documents that lose their last one."""

        def delete(connection: sqlite3.Connection) -> None:
            changes = Changes(connection, stores.get(connection, request.vector_store_id))
            changes.remove([chunk.chunk_id for chunk in request.chunks])
            changes.finish()

        await self._file.write(delete)

    @override
    async def query_chunks(self, request: QueryChunksRequest) -> QueryChunksResponse:
        """Find chunks; `read_query` tells which parameters are understood."""
        found = await self._search(read_query(request))
        return QueryChunksResponse(
            chunks=[chunk for chunk, _ in found], scores=[score for _, score in found]
        )

    @override
    async def openai_search_vector_store(
        self, vector_store_id: str, request: OpenAISearchVectorStoreRequest
    ) -> VectorStoreSearchResponsePage:
        """Find chunks, in the words of OpenAI's API."""
        query = read_search(vector_store_id, request)
        found = await self._search(query)
        return VectorStoreSearchResponsePage(
            search_query=[query.text],
            data=[openai_view.found_chunk(chunk, score) for chunk, score in found],
        )

    async def _search(self, query: SearchQuery) -> "Found":
        while True:
            store = await self._file.read(lambda connection: stores.get(connection, query.store_id))
            asked = replace(query, store_key=store.store_key)
            if query.mode != "keyword" and query.vector is None and store.vectors:
                asked = replace(asked, vector=await self._question_vector(query, store))
            found = await self._file.read(partial(self._search_snapshot, asked))
            if found is not None:
                return found

    def _search_snapshot(
        self, query: SearchQuery, connection: sqlite3.Connection
    ) -> "Found | None":
        """Search, unless the store was replaced since the question was embedded for it."""
        store = stores.get(connection, query.store_id)
        if store.is_expired:
            raise VectorStoreNotFoundError(query.store_id)
        if store.store_key != query.store_key:
            return None
        return self._loaded_searcher().search(connection, query)

    async def _question_vector(self, query: SearchQuery, store: Store) -> Sequence[float] | None:
        """Embed the question; None when the model failed and keywords can answer without it."""
        model = store.embedding_model
        try:
            vector = await self._embed(query.text, store)
        except ModelNotFoundError as error:
            raise ConflictError(
                f"Vector store '{store.store_id}' was filled with the model '{model}', which is "
                "not there any more. Configure it again, or index the documents anew."
            ) from error
        except ConflictError:
            raise
        except Exception as error:  # an inference provider may raise anything
            if query.mode == "vector":
                raise
            if model not in self._failing_models:
                self._failing_models.add(model)
                _log.warning(
                    "question not embedded, searched by keyword alone",
                    extra={"model": model, "store": store.store_id, "error": repr(error)},
                )
            return None
        self._failing_models.discard(model)
        return vector

    async def _embed(self, text: str, store: Store) -> Sequence[float]:
        extra = {"input_type": "query"} if self._config.mark_queries else {}
        request = OpenAIEmbeddingsRequestWithExtraBody.model_validate(
            {"model": store.embedding_model, "input": [text], **extra}
        )
        response = await self._inference.openai_embeddings(request)
        vector = response.data[0].embedding
        if isinstance(vector, str) or len(vector) != store.embedding_dimension:
            raise ConflictError(
                f"The model '{store.embedding_model}' gave a vector that has not the dimension "
                f"{store.embedding_dimension} of vector store '{store.store_id}'. Restore the "
                "model that made the store, or index the documents anew in another store."
            )
        return vector

    def _loaded_searcher(self) -> "Searcher":
        if self._searcher is None:
            # faiss, numpy and tantivy: a stack that never searches does not pay for them.
            from lightspeed_stack_providers.faiss_hybrid.search import Searcher  # noqa: PLC0415

            self._searcher = Searcher(self._config.keyword_language)
        return self._searcher
