"""Vector stores and what each kind of store can do. Knows nothing of what they hold."""

from collections.abc import Mapping
from typing import Any

from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Json, Stack
from lightspeed_core.engine.types import (
    UNFINISHED_SUFFIX,
    NewVectorStore,
    SearchMode,
    VectorStoreInfo,
    VectorStoreState,
)
from lightspeed_core.errors import Conflict, InvalidRequest, NotFound

# Ours keep documents whole, replace them by themselves and take chunks without a vector.
DOCUMENT_STORES = frozenset({"inline::faiss_hybrid", "remote::pgvector_async"})

_EVERY_MODE = frozenset(SearchMode)
_MODES = {
    "inline::faiss_hybrid": _EVERY_MODE,
    "remote::pgvector_async": _EVERY_MODE,
    "remote::pgvector": _EVERY_MODE,
    "inline::sqlite-vec": _EVERY_MODE,
    "inline::milvus": _EVERY_MODE,
    "remote::milvus": _EVERY_MODE,
    "remote::weaviate": _EVERY_MODE,
    "inline::qdrant": _EVERY_MODE,
    "remote::qdrant": _EVERY_MODE,
    "remote::elasticsearch": _EVERY_MODE,
}
_VECTOR_ONLY = frozenset({SearchMode.VECTOR})

# What stores say of themselves among what their client keeps.
_NOT_METADATA = frozenset(
    {
        "embedding_model",
        "embedding_dimension",
        "wanted_model",
        "provider_id",
        "provider_vector_store_id",
    }
)


async def vector_stores(stack: Stack, *, unfinished: bool = False) -> list[VectorStoreInfo]:
    """List the stores whose provider is present, those that are being built or all others."""
    with translated():
        types = await stack.provider_types("vector_io")
        listed = await stack.vector_stores()
    return [
        _info(each, types[each["provider_id"]])
        for each in listed
        if _is_served(each, types) and _is_unfinished(each["identifier"]) == unfinished
    ]


def _is_unfinished(store_id: str) -> bool:
    """Say whether a store is being built to take another one's place."""
    return store_id.endswith(UNFINISHED_SUFFIX)


async def vector_store(stack: Stack, store_id: str) -> VectorStoreState:
    """Ask a store about itself. Raises `NotFound` for an unknown store."""
    with translated():
        store, _ = await find_store(stack, store_id)
        told = await stack.describe_vector_store(store_id)
    return VectorStoreState(
        store_id=store_id,
        name=told.get("name") or store.name,
        created_at=told["created_at"],
        last_active_at=told.get("last_active_at"),
        expires_at=told.get("expires_at"),
        usage_bytes=told.get("usage_bytes") or 0,
        status=told["status"],
        metadata={
            key: value
            for key, value in (told.get("metadata") or {}).items()
            if key not in _NOT_METADATA
        },
    )


async def create_vector_store(stack: Stack, new: NewVectorStore) -> VectorStoreInfo:
    """Make a store. Raises `NotFound`, `Conflict` and `InvalidRequest`."""
    with translated():
        dimension = await _dimension(stack, new)
        types = await stack.provider_types("vector_io")
        if new.provider_id is not None and new.provider_id not in types:
            known = ", ".join(types) or "none"
            raise InvalidRequest(
                "Invalid request",
                f"There is no provider {new.provider_id} of vector stores; there are: {known}",
            )
        if new.store_id is not None and await stack.find_vector_store(new.store_id) is not None:
            raise Conflict.of_name("vector store", new.store_id)
        known_of_it = {
            "store_id": new.store_id,
            "provider_id": new.provider_id,
            "embedding_model": new.embedding_model,
            "embedding_dimension": dimension,
        }
        given = {key: value for key, value in known_of_it.items() if value is not None}
        store_id = await stack.create_vector_store(
            {"name": new.name, "metadata": dict(new.metadata), **given}
        )
        store, _ = await find_store(stack, store_id)
        return store


async def update_vector_store(
    stack: Stack,
    store_id: str,
    *,
    name: str | None,
    metadata: Mapping[str, Any] | None,
    expires_at: int | None,
) -> VectorStoreState:
    """Change a store. Raises `NotFound` and `InvalidRequest`."""
    with translated():
        _, provider_type = await find_store(stack, store_id)
        changes: dict[str, Any] = {}
        if name is not None:
            changes["name"] = name
        if metadata is not None:
            changes["metadata"] = dict(metadata)
        if expires_at is not None:
            if provider_type not in DOCUMENT_STORES:
                raise InvalidRequest("Not supported", f"Vector store {store_id} cannot expire")
            changes["expires_after"] = {"at": expires_at}
        await stack.update_vector_store(store_id, changes)
    return await vector_store(stack, store_id)


async def delete_vector_store(stack: Stack, store_id: str) -> bool:
    """Remove a store; say whether it was there."""
    with translated():
        found = await stack.find_vector_store(store_id)
        return found is not None and await stack.delete_vector_store(store_id)


async def replace_vector_store(stack: Stack, store_id: str, *, by: str) -> None:
    """Let a store serve what another one holds. Raises `NotFound` and `InvalidRequest`."""
    with translated():
        replaced, provider_type = await find_store(stack, store_id)
        successor, _ = await find_store(stack, by)
        if provider_type not in DOCUMENT_STORES or replaced.provider_id != successor.provider_id:
            raise InvalidRequest(
                "Not supported",
                f"Vector store {store_id} cannot be replaced by {by}: both must be stores of one "
                f"provider of the type {' or '.join(sorted(DOCUMENT_STORES))}",
            )
        await stack.replace_vector_store(store_id, by=by)


async def find_store(stack: Stack, store_id: str) -> tuple[VectorStoreInfo, str]:
    """Give a store and its provider's type. Raises `NotFound` for an unknown store."""
    types = await stack.provider_types("vector_io")
    found = await stack.find_vector_store(store_id)
    if found is None or not _is_served(found, types):
        raise NotFound("vector store", store_id)
    provider_type = types[found["provider_id"]]
    return _info(found, provider_type), provider_type


def _is_served(store: Json, types: Mapping[str, str]) -> bool:
    return store["provider_id"] in types


def _info(store: Json, provider_type: str) -> VectorStoreInfo:
    return VectorStoreInfo(
        store_id=store["identifier"],
        name=store.get("name") or store["identifier"],
        provider_id=store["provider_id"],
        embedding_model=store["embedding_model"],
        embedding_dimension=int(store["embedding_dimension"]),
        modes=_MODES.get(provider_type, _VECTOR_ONLY),
        takes_pending_chunks=provider_type in DOCUMENT_STORES,
        wanted_model=store.get("wanted_model"),
        has_bounded_scores=provider_type in DOCUMENT_STORES,
    )


async def _dimension(stack: Stack, new: NewVectorStore) -> int | None:
    """Give the dimension of the new store's vectors, where its model is named."""
    if new.embedding_model is None:
        return new.embedding_dimension
    model = await stack.find_model(new.embedding_model)
    if model is None or model["model_type"] != "embedding":
        raise NotFound("model", new.embedding_model)
    made = model["metadata"].get("embedding_dimension")
    if made is None:
        return new.embedding_dimension
    if new.embedding_dimension not in {None, int(made)}:
        raise InvalidRequest(
            "Invalid request",
            f"Model {new.embedding_model} makes vectors of dimension {made}, "
            f"not {new.embedding_dimension}",
        )
    return int(made)
