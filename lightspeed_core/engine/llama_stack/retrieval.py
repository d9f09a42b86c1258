"""Search in a vector store; what stores call the same thing becomes one `RagChunk`."""

from collections.abc import Mapping
from typing import Any

from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.origin import ORIGIN_KEYS, read_origin
from lightspeed_core.engine.llama_stack.stack import Json, Scored, Stack
from lightspeed_core.engine.llama_stack.vector_stores import DOCUMENT_STORES, find_store
from lightspeed_core.engine.types import SearchMode, VectorStoreInfo
from lightspeed_core.errors import InvalidRequest

URL_KEYS = ("doc_url", "docs_url", "url", "link", "reference_url")
# What a chunk carries only to be stored.
_NOT_ATTRIBUTES = ORIGIN_KEYS | {
    *("source_text", "document_id", "content_hash", "start", "end", "title"),
}
_BEST_FIRST = (SearchMode.HYBRID, SearchMode.VECTOR, SearchMode.KEYWORD)


async def search(
    stack: Stack,
    store_id: str,
    query: str,
    *,
    limit: int,
    mode: SearchMode | None = None,
    filters: Mapping[str, Any] | None = None,
) -> list[RagChunk]:
    """Find chunks, best first.

    The store is looked up first, for the stack answers a search in an unknown one with an empty
    page. Raises `NotFound`, and `InvalidRequest` for a mode that the store does not serve.
    """
    with translated():
        store, provider_type = await find_store(stack, store_id)
        params: dict[str, Any] = {"max_chunks": limit, "mode": _mode(store, mode).value}
        if filters is not None:
            params["filters"] = dict(filters)
        found = await stack.query(store_id, query, params)
        is_bounded = provider_type in DOCUMENT_STORES
        return [_rag_chunk(each, store, is_bounded=is_bounded) for each in found[:limit]]


def _mode(store: VectorStoreInfo, wanted: SearchMode | None) -> SearchMode:
    if wanted is None:
        return next(mode for mode in _BEST_FIRST if mode in store.modes)
    if wanted not in store.modes:
        served = ", ".join(sorted(store.modes))
        raise InvalidRequest(
            "Invalid request", f"Vector store {store.store_id} serves {served}, not {wanted}"
        )
    return wanted


def _rag_chunk(found: Scored, store: VectorStoreInfo, *, is_bounded: bool) -> RagChunk:
    chunk = found.chunk
    metadata: Json = chunk["metadata"]
    return RagChunk(
        chunk_id=chunk["chunk_id"],
        document_id=_document_id(chunk),
        content=_text(chunk["content"]),
        score=_score(found.score, is_bounded=is_bounded),
        store_id=store.store_id,
        source=metadata.get("source") or store.name,
        title=metadata.get("title"),
        url=next((str(metadata[key]) for key in URL_KEYS if metadata.get(key)), None),
        content_hash=metadata.get("content_hash"),
        start=metadata.get("start"),
        end=metadata.get("end"),
        heading=metadata.get("heading"),
        page=_page(metadata.get("page")),
        origin=read_origin(metadata),
        attributes={key: each for key, each in metadata.items() if key not in _NOT_ATTRIBUTES},
    )


def _page(page: Any) -> int | None:
    return int(page) if isinstance(page, int | float) else None


def _document_id(chunk: Json) -> str | None:
    own = chunk["metadata"].get("document_id")
    return own or (chunk.get("chunk_metadata") or {}).get("document_id")


def _text(content: Any) -> str:
    """Read interleaved content: a text, a part, or a list of both."""
    match content:
        case str():
            return content
        case list():
            return " ".join(_text(part) for part in content)
        case dict():
            return str(content.get("text", ""))
        case _:
            return ""


def _score(score: float | None, *, is_bounded: bool) -> float:
    """Bring a score into [0, 1] in the same order.

    Built-in stores give the reciprocal of a distance d, infinite for an exact match;
    s / (1 + s) is 1 / (1 + d).
    """
    if score is None or score == float("inf"):
        return 1.0
    positive = max(score, 0.0)
    return min(positive, 1.0) if is_bounded else positive / (1.0 + positive)
