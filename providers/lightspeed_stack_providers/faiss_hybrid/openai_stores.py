"""The methods of OpenAI's vector store API that a store without the files API can serve.

A file of that API is a document: its id is the document's id.
"""

import sqlite3
import uuid
from collections.abc import Callable, Mapping
from typing import Any, override

from llama_stack_api import (
    InvalidParameterError,
    OpenAICreateVectorStoreRequestWithExtraBody,
    OpenAIUpdateVectorStoreRequest,
    ResourceNotFoundError,
    VectorStoreContent,
    VectorStoreDeleteResponse,
    VectorStoreFileContentResponse,
    VectorStoreFileDeleteResponse,
    VectorStoreFileObject,
    VectorStoreFileStatus,
    VectorStoreListFilesResponse,
    VectorStoreListResponse,
    VectorStoreObject,
)

from lightspeed_stack_providers.faiss_hybrid import documents, openai_view, stores
from lightspeed_stack_providers.faiss_hybrid.documents import Document
from lightspeed_stack_providers.faiss_hybrid.file import StoreFile
from lightspeed_stack_providers.faiss_hybrid.stores import Store
from lightspeed_stack_providers.faiss_hybrid.without_files import WithoutFiles
from lightspeed_stack_providers.faiss_hybrid.writing import Changes
from lightspeed_stack_providers.keeping import KeptStore


class OpenAIStores(WithoutFiles):
    """Stores and documents of a file, as OpenAI's API names them."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file
        self._configured: dict[str, str] = {}

    async def kept_stores(self) -> list[KeptStore]:
        """List the stores of the file, whoever made them."""
        held = await self._file.read(stores.list_all)
        return [
            KeptStore(
                store_id=store.store_id,
                name=store.name,
                embedding_model=store.embedding_model,
                embedding_dimension=store.embedding_dimension,
                wanted_model=self.wanted_model(store),
                expires_at=store.expires_at,
            )
            for store in held
        ]

    async def replace_vector_store(self, vector_store_id: str, *, by: str) -> None:
        """Let one store serve what another one holds, which is gone then; all in one step."""
        await self._file.write(
            lambda connection: stores.replace(connection, vector_store_id, by=by)
        )

    def wanted_model(self, store: Store) -> str | None:
        """Name the model that a store is configured for, if it was filled with another one."""
        configured = self._configured.get(store.store_id, store.embedding_model)
        return None if configured == store.embedding_model else configured

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

        def create(connection: sqlite3.Connection) -> VectorStoreObject:
            if stores.find(connection, store_id) is None:
                stores.register(
                    connection,
                    store_id,
                    name=params.name or store_id,
                    model=str(extra["embedding_model"]),
                    dimension=int(extra["embedding_dimension"]),
                )
            store = stores.update(
                connection,
                store_id,
                name=params.name,
                metadata=params.metadata,
                expires_at=expires_at,
            )
            return self._shown(connection, store)

        return await self._file.write(create)

    @override
    async def openai_list_vector_stores(
        self,
        limit: int | None = 20,
        order: str | None = "desc",
        after: str | None = None,
        before: str | None = None,
    ) -> VectorStoreListResponse:
        """List the stores of the file."""

        def list_stores(connection: sqlite3.Connection) -> VectorStoreListResponse:
            chosen, fields = openai_view.page(
                stores.list_all(connection),
                lambda store: store.store_id,
                limit=limit,
                order=order,
                after=after,
                before=before,
            )
            return VectorStoreListResponse(
                data=[self._shown(connection, store) for store in chosen], **fields
            )

        return await self._file.read(list_stores)

    @override
    async def openai_retrieve_vector_store(self, vector_store_id: str) -> VectorStoreObject:
        """Describe a store."""
        return await self._file.read(
            lambda connection: self._shown(connection, stores.get(connection, vector_store_id))
        )

    @override
    async def openai_update_vector_store(
        self, vector_store_id: str, request: OpenAIUpdateVectorStoreRequest
    ) -> VectorStoreObject:
        """Rename a store, replace its metadata, or let it expire."""
        expires_at = _expiry(request.expires_after)

        def update(connection: sqlite3.Connection) -> VectorStoreObject:
            store = stores.update(
                connection,
                vector_store_id,
                name=request.name,
                metadata=request.metadata,
                expires_at=expires_at,
            )
            return self._shown(connection, store)

        return await self._file.write(update)

    @override
    async def openai_delete_vector_store(self, vector_store_id: str) -> VectorStoreDeleteResponse:
        """Remove a store with all that it holds."""
        deleted = await self._file.write(
            lambda connection: stores.delete(connection, vector_store_id)
        )
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

        def list_documents(connection: sqlite3.Connection) -> VectorStoreListFilesResponse:
            store = stores.get(connection, vector_store_id)
            held = documents.list_all(connection, store)
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

        return await self._file.read(list_documents)

    @override
    async def openai_retrieve_vector_store_file(
        self, vector_store_id: str, file_id: str
    ) -> VectorStoreFileObject:
        """Describe a document."""
        return await self._read_document(
            vector_store_id,
            file_id,
            lambda _, __, document: openai_view.file_object(document, vector_store_id),
        )

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

        def contents(
            connection: sqlite3.Connection, store: Store, document: Document
        ) -> VectorStoreFileContentResponse:
            text = documents.source_text(connection, document)
            if text is not None and not include_embeddings and not include_metadata:
                data = [VectorStoreContent(type="text", text=text)]
            else:
                data = [
                    openai_view.content_of(
                        chunk,
                        with_embedding=bool(include_embeddings),
                        with_metadata=bool(include_metadata),
                    )
                    for chunk in documents.chunks(connection, store, document)
                ]
            return VectorStoreFileContentResponse(data=data)

        return await self._read_document(vector_store_id, file_id, contents)

    @override
    async def openai_delete_vector_store_file(
        self, vector_store_id: str, file_id: str
    ) -> VectorStoreFileDeleteResponse:
        """Remove a document with its chunks."""

        def delete(connection: sqlite3.Connection) -> bool:
            changes = Changes(connection, stores.get(connection, vector_store_id))
            removed = changes.remove_document(file_id)
            changes.finish()
            return removed

        if not await self._file.write(delete):
            raise _unknown_file(vector_store_id, file_id)
        return VectorStoreFileDeleteResponse(id=file_id, deleted=True)

    async def _read_document[T](
        self,
        vector_store_id: str,
        file_id: str,
        show: Callable[[sqlite3.Connection, Store, Document], T],
    ) -> T:
        def read(connection: sqlite3.Connection) -> T:
            store = stores.get(connection, vector_store_id)
            document = documents.find(connection, store, file_id)
            if document is None:
                raise _unknown_file(vector_store_id, file_id)
            return show(connection, store, document)

        return await self._file.read(read)

    def _shown(self, connection: sqlite3.Connection, store: Store) -> VectorStoreObject:
        # The stack tells a provider its id after it was made.
        known = {
            "provider_id": getattr(self, "__provider_id__", None),
            "wanted_model": self.wanted_model(store),
        }
        described = {key: value for key, value in known.items() if value is not None}
        return openai_view.store_object(store, documents.list_all(connection, store), described)


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
