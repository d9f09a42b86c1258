"""The stack's vector_io API over a shelf: stores, documents and chunks as OpenAI's API names them.

A file of that API is a document: its id is the document's id. Knows no database.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, override

from llama_stack_api import (
    ConflictError,
    DeleteChunksRequest,
    HealthResponse,
    HealthStatus,
    InsertChunksRequest,
    InvalidParameterError,
    OpenAICreateVectorStoreRequestWithExtraBody,
    OpenAISearchVectorStoreRequest,
    OpenAIUpdateVectorStoreRequest,
    QueryChunksRequest,
    QueryChunksResponse,
    ResourceNotFoundError,
    VectorStore,
    VectorStoreDeleteResponse,
    VectorStoreFileContentResponse,
    VectorStoreFileDeleteResponse,
    VectorStoreFileObject,
    VectorStoreFileStatus,
    VectorStoreListFilesResponse,
    VectorStoreListResponse,
    VectorStoreNotFoundError,
    VectorStoreObject,
    VectorStoreSearchResponsePage,
    VectorStoresProtocolPrivate,
)
from llama_stack_api.common.errors import LlamaStackError

from lightspeed_stack_providers.keeping import KeptStore
from lightspeed_stack_providers.vector_stores import openai_view
from lightspeed_stack_providers.vector_stores.query import SearchQuery, read_query, read_search
from lightspeed_stack_providers.vector_stores.question import Questions
from lightspeed_stack_providers.vector_stores.records import Document, Store
from lightspeed_stack_providers.vector_stores.shelf import Found, Shelf
from lightspeed_stack_providers.vector_stores.without_files import WithoutFiles

# How often a store may be replaced while a question is embedded for it.
_TRIES: Final = 5

_log = logging.getLogger(__name__)


class ShelvedStores(WithoutFiles, VectorStoresProtocolPrivate):
    """Any number of vector stores on one shelf, searched by vector, by keyword or by both.

    Methods raise what the shelf raises, and `VectorStoreNotFoundError` for a store that it does
    not hold.
    """

    def __init__(self, shelf: Shelf, questions: Questions) -> None:
        self._shelf = shelf
        self._questions = questions
        self._configured: dict[str, str] = {}

    async def initialize(self) -> None:
        """Open the shelf, so that a bad one stops the boot."""
        await self._shelf.open()

    async def shutdown(self) -> None:
        """Let go of everything."""
        await self._shelf.close()

    async def health(self) -> HealthResponse:
        """Say whether the stores can be read."""
        try:
            await self._shelf.stores()
        except LlamaStackError as error:
            return HealthResponse(status=HealthStatus.ERROR, message=str(error))
        return HealthResponse(status=HealthStatus.OK)

    async def kept_stores(self) -> list[KeptStore]:
        """List the stores, whoever made them."""
        return [
            KeptStore(
                store_id=store.store_id,
                name=store.name,
                embedding_model=store.embedding_model,
                embedding_dimension=store.embedding_dimension,
                wanted_model=self._wanted_model(store),
                expires_at=store.expires_at,
            )
            for store in await self._shelf.stores()
        ]

    async def replace_vector_store(self, vector_store_id: str, *, by: str) -> None:
        """Let one store serve what another one holds, which is gone then; all in one step."""
        await self._shelf.replace_store(vector_store_id, by=by)

    @override
    async def register_vector_store(self, vector_store: VectorStore) -> None:
        """Keep a store; one that was filled with another model goes on with that one."""
        store = await self._shelf.keep_store(
            vector_store.identifier,
            name=vector_store.vector_store_name or vector_store.identifier,
            model=vector_store.embedding_model,
            dimension=vector_store.embedding_dimension,
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
        await self._shelf.insert(request.vector_store_id, request.chunks)

    async def delete_chunks(self, request: DeleteChunksRequest) -> None:
        """Remove chunks, and documents that lose their last one."""
        chunk_ids = [chunk.chunk_id for chunk in request.chunks]
        await self._shelf.remove_chunks(request.vector_store_id, chunk_ids)

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

    @override
    async def openai_create_vector_store(
        self, params: OpenAICreateVectorStoreRequestWithExtraBody
    ) -> VectorStoreObject:
        """Make a store, or describe the one that the stack has just registered."""
        if params.file_ids:
            self.refuse("attach files")
        expires_at = _expiry(params.expires_after)
        extra = params.model_extra or {}
        store_id = str(extra.get("provider_vector_store_id") or f"vs_{uuid.uuid4()}")
        if "embedding_model" in extra:
            await self._shelf.keep_store(
                store_id,
                name=params.name or store_id,
                model=str(extra["embedding_model"]),
                dimension=int(extra["embedding_dimension"]),
            )
        await self._shelf.change_store(
            store_id, name=params.name, metadata=params.metadata, expires_at=expires_at
        )
        return await self.openai_retrieve_vector_store(store_id)

    @override
    async def openai_list_vector_stores(
        self,
        limit: int | None = 20,
        order: str | None = "desc",
        after: str | None = None,
        before: str | None = None,
    ) -> VectorStoreListResponse:
        """List the stores."""
        chosen, fields = openai_view.page(
            await self._shelf.stores(),
            lambda store: store.store_id,
            limit=limit,
            order=order,
            after=after,
            before=before,
        )
        data = [await self.openai_retrieve_vector_store(store.store_id) for store in chosen]
        return VectorStoreListResponse(data=data, **fields)

    @override
    async def openai_retrieve_vector_store(self, vector_store_id: str) -> VectorStoreObject:
        """Describe a store."""
        store, held = await self._shelf.documents(vector_store_id)
        # The stack tells a provider its id after it was made.
        known = {
            "provider_id": getattr(self, "__provider_id__", None),
            "wanted_model": self._wanted_model(store),
        }
        described = {key: value for key, value in known.items() if value is not None}
        return openai_view.store_object(store, held, described)

    @override
    async def openai_update_vector_store(
        self, vector_store_id: str, request: OpenAIUpdateVectorStoreRequest
    ) -> VectorStoreObject:
        """Rename a store, replace its metadata, or let it expire."""
        await self._shelf.change_store(
            vector_store_id,
            name=request.name,
            metadata=request.metadata,
            expires_at=_expiry(request.expires_after),
        )
        return await self.openai_retrieve_vector_store(vector_store_id)

    @override
    async def openai_delete_vector_store(self, vector_store_id: str) -> VectorStoreDeleteResponse:
        """Remove a store with all that it holds."""
        deleted = await self._shelf.remove_store(vector_store_id)
        return VectorStoreDeleteResponse(id=vector_store_id, deleted=deleted)

    @override
    async def openai_list_files_in_vector_store(
        self,
        vector_store_id: str,
        limit: int | None = 20,
        order: str | None = "desc",
        after: str | None = None,
        before: str | None = None,
        filter: VectorStoreFileStatus | None = None,
    ) -> VectorStoreListFilesResponse:
        """List the documents; `in_progress` are those with chunks that lack their vector."""
        _, held = await self._shelf.documents(vector_store_id)
        if filter is not None:
            held = [each for each in held if openai_view.status_of(each) == filter]
        chosen, fields = openai_view.page(
            held,
            lambda document: document.document_id,
            limit=limit,
            order=order,
            after=after,
            before=before,
        )
        return VectorStoreListFilesResponse(
            data=[openai_view.file_object(each, vector_store_id) for each in chosen], **fields
        )

    @override
    async def openai_retrieve_vector_store_file(
        self, vector_store_id: str, file_id: str
    ) -> VectorStoreFileObject:
        """Describe a document."""
        document = await self._document(vector_store_id, file_id)
        return openai_view.file_object(document, vector_store_id)

    @override
    async def openai_retrieve_vector_store_file_contents(
        self,
        vector_store_id: str,
        file_id: str,
        include_embeddings: bool | None = False,
        include_metadata: bool | None = False,
    ) -> VectorStoreFileContentResponse:
        """Give the whole text of a document where it is known, else its chunks.

        Embeddings and metadata belong to chunks; whoever asks for them gets chunks.
        """
        document = await self._document(vector_store_id, file_id)
        if document.has_text and not include_embeddings and not include_metadata:
            source = await self._shelf.source_text(vector_store_id, file_id)
            if source is not None:
                return VectorStoreFileContentResponse(data=[openai_view.whole_text(source)])
        data = [
            openai_view.content_of(
                chunk,
                with_embedding=bool(include_embeddings),
                with_metadata=bool(include_metadata),
            )
            for chunk in await self._shelf.chunks(vector_store_id, file_id)
        ]
        return VectorStoreFileContentResponse(data=data)

    @override
    async def openai_delete_vector_store_file(
        self, vector_store_id: str, file_id: str
    ) -> VectorStoreFileDeleteResponse:
        """Remove a document with its chunks."""
        if not await self._shelf.remove_document(vector_store_id, file_id):
            raise _unknown_file(vector_store_id, file_id)
        return VectorStoreFileDeleteResponse(id=file_id, deleted=True)

    async def _search(self, query: SearchQuery) -> Found:
        for _ in range(_TRIES):
            store = await self._shelf.store(query.store_id)
            if store.is_expired:
                raise VectorStoreNotFoundError(query.store_id)
            asked = replace(query, store_key=store.store_key)
            if query.mode != "keyword" and query.vector is None and store.vectors:
                asked = replace(asked, vector=await self._questions.vector(query, store))
            found = await self._shelf.search(asked)
            if found is not None:
                return found
        raise ConflictError(f"Vector store '{query.store_id}' is being replaced; try again.")

    async def _document(self, vector_store_id: str, file_id: str) -> Document:
        document = await self._shelf.document(vector_store_id, file_id)
        if document is None:
            raise _unknown_file(vector_store_id, file_id)
        return document

    def _wanted_model(self, store: Store) -> str | None:
        """Name the model that a store is configured for, if it was filled with another one."""
        configured = self._configured.get(store.store_id, store.embedding_model)
        return None if configured == store.embedding_model else configured


def _expiry(expires_after: Mapping[str, Any] | None) -> int | None:
    match expires_after:
        case None:
            return None
        case {"at": int(moment)} if moment > 0:
            return moment
        case _:
            raise InvalidParameterError(
                "expires_after",
                expires_after,
                'Only a moment can be set: {"at": seconds since 1970}.',
            )


def _unknown_file(vector_store_id: str, file_id: str) -> ResourceNotFoundError:
    return ResourceNotFoundError(
        file_id, "Vector store file", parent_resource=f"vector store '{vector_store_id}'"
    )
