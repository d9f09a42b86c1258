"""`/v1/vector-stores`: what is searched for passages, made, filled and removed at run time."""

from contextlib import suppress
from typing import Annotated, Final

from fastapi import APIRouter, Path

from lightspeed_core import errors
from lightspeed_core.api.deps import EngineDep, HandedOverDep, SourcesDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.vector_stores import (
    VectorStore,
    VectorStoreDeleted,
    VectorStoreFile,
    VectorStoreFileDeleted,
    VectorStoreFileRequest,
    VectorStoreFilesResponse,
    VectorStoreRequest,
    VectorStoresResponse,
    VectorStoreUpdate,
)
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity
from lightspeed_core.engine.types import VectorStoreState

router = APIRouter(prefix="/v1/vector-stores", tags=["vector_stores"], route_class=GuardedRoute)

_ERRORS: Final = (
    *ENGINE_ERRORS,
    errors.InvalidRequest,
    errors.NotFound,
    errors.StoreUnavailable,
)

StoreId = Annotated[
    str,
    Path(
        description="Id of a vector store.",
        examples=["vs_0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"],
    ),
]
FileId = Annotated[
    str, Path(description="Id of a file.", examples=["file-0f1e2d3c4b5a69788796a5b4c3d2e1f0"])
]
Reader = Annotated[Identity, require(Action.READ_VECTOR_STORES)]
Manager = Annotated[Identity, require(Action.MANAGE_VECTOR_STORES)]


@router.post("", responses=responses(*_ERRORS, errors.Conflict))
async def create_vector_store(
    body: VectorStoreRequest, engine: EngineDep, caller: Manager
) -> VectorStore:
    """Make a vector store; it is there on every worker and after a restart."""
    del caller
    made = await engine.create_vector_store(body.new_store())
    return VectorStore.of(await engine.vector_store(made.store_id))


@router.get("", responses=responses(*_ERRORS))
async def list_vector_stores(
    sources: SourcesDep, engine: EngineDep, caller: Reader
) -> VectorStoresResponse:
    """List the vector stores that one may read."""
    states: list[VectorStoreState] = []
    for source in await sources.readable(caller):
        with suppress(errors.NotFound):  # deleted since it was listed
            states.append(await engine.vector_store(source.store_id))
    return VectorStoresResponse.of(states)


@router.get("/{vector_store_id}", responses=responses(*_ERRORS))
async def get_vector_store(
    vector_store_id: StoreId, sources: SourcesDep, engine: EngineDep, caller: Reader
) -> VectorStore:
    """Show a vector store."""
    source = await sources.get(vector_store_id, caller)
    return VectorStore.of(await engine.vector_store(source.store_id))


@router.put("/{vector_store_id}", responses=responses(*_ERRORS))
async def update_vector_store(
    vector_store_id: StoreId,
    body: VectorStoreUpdate,
    sources: SourcesDep,
    engine: EngineDep,
    caller: Manager,
) -> VectorStore:
    """Rename a vector store, let it expire, or replace what is kept beside it."""
    source = await sources.get(vector_store_id, caller)
    state = await engine.update_vector_store(
        source.store_id, name=body.name, metadata=body.metadata, expires_at=body.expires_at
    )
    return VectorStore.of(state)


@router.delete("/{vector_store_id}", responses=responses(*_ERRORS, errors.Conflict))
async def delete_vector_store(
    vector_store_id: StoreId,
    sources: SourcesDep,
    handed_over: HandedOverDep,
    caller: Manager,
) -> VectorStoreDeleted:
    """Delete a vector store with all that it holds; work on it is cancelled."""
    try:
        source = await sources.get(vector_store_id, caller)
    except errors.NotFound:
        return VectorStoreDeleted.of(vector_store_id, deleted=False)
    deleted = await handed_over.delete_store(source.store_id)
    return VectorStoreDeleted.of(vector_store_id, deleted=deleted)


@router.post("/{vector_store_id}/files", responses=responses(*_ERRORS, errors.Conflict))
async def attach_file(
    vector_store_id: StoreId,
    body: VectorStoreFileRequest,
    sources: SourcesDep,
    engine: EngineDep,
    handed_over: HandedOverDep,
    caller: Manager,
) -> VectorStoreFile:
    """Have one of one's own files indexed; the answer does not wait for it."""
    source = await sources.get(vector_store_id, caller)
    state = await engine.vector_store(source.store_id)
    attached = await handed_over.attach(
        caller,
        body.file_id,
        source.store_id,
        attributes=body.attributes or {},
        max_chunk_tokens=body.max_chunk_tokens(state.metadata),
    )
    return VectorStoreFile.of(attached)


@router.get("/{vector_store_id}/files", responses=responses(*_ERRORS))
async def list_attached_files(
    vector_store_id: StoreId, sources: SourcesDep, handed_over: HandedOverDep, caller: Reader
) -> VectorStoreFilesResponse:
    """List the files that were handed over to a vector store, the newest first."""
    source = await sources.get(vector_store_id, caller)
    return VectorStoreFilesResponse.of(await handed_over.list(source.store_id))


@router.get("/{vector_store_id}/files/{file_id}", responses=responses(*_ERRORS))
async def get_attached_file(
    vector_store_id: StoreId,
    file_id: FileId,
    sources: SourcesDep,
    handed_over: HandedOverDep,
    caller: Reader,
) -> VectorStoreFile:
    """Say how far a file is indexed, and why it is not."""
    source = await sources.get(vector_store_id, caller)
    return VectorStoreFile.of(await handed_over.get(source.store_id, file_id))


@router.delete("/{vector_store_id}/files/{file_id}", responses=responses(*_ERRORS, errors.Conflict))
async def detach_file(
    vector_store_id: StoreId,
    file_id: FileId,
    sources: SourcesDep,
    handed_over: HandedOverDep,
    caller: Manager,
) -> VectorStoreFileDeleted:
    """Take a file out of a vector store; the file itself stays its owner's."""
    source = await sources.get(vector_store_id, caller)
    deleted = await handed_over.detach(source.store_id, file_id)
    return VectorStoreFileDeleted.of(file_id, deleted=deleted)
