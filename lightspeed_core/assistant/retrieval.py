"""The retrieval stage: which stores are asked, and what of their chunks stands behind the answer.

Knows the engine port alone; how chunks enter the prompt is decided in `passages`.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lightspeed_core.assistant.together import together
from lightspeed_core.domain.retrieval import RagChunk, ReferencedDocument
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import EngineUnavailable, LightspeedError, NotFound

logger = logging.getLogger(__name__)

DEFAULT_MAX_CHUNKS = 5
TEXT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Chunks in the order of their numbers, and what went wrong."""

    chunks: tuple[RagChunk, ...] = ()
    warnings: tuple[TurnWarning, ...] = ()


async def choose_stores(
    engine: Engine,
    *,
    requested: tuple[str, ...] | None,
    configured: tuple[str, ...] | None,
    no_tools: bool,
) -> tuple[str, ...]:
    """Decide which stores a turn searches: the requested, else the configured, else all listed.

    Of the configured ones, those that the engine does not list are left out. Raises `NotFound`
    for a requested one.
    """
    if no_tools or requested == ():
        return ()
    listed = [store.store_id for store in await engine.vector_stores()]
    if requested is None:
        wanted = listed if configured is None else configured
        return tuple(store_id for store_id in dict.fromkeys(wanted) if store_id in listed)
    for store_id in requested:
        if store_id not in listed:
            raise NotFound("vector store", store_id)
    return tuple(dict.fromkeys(requested))


async def wait_for_text(stored: asyncio.Event) -> None:
    """Return once there is something to find in a first start, or after a bounded wait."""
    if not stored.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(TEXT_SECONDS):
                await stored.wait()


async def retrieve(
    engine: Engine,
    query: str,
    store_ids: Sequence[str],
    *,
    max_chunks: int = DEFAULT_MAX_CHUNKS,
) -> Retrieved:
    """Search the stores at the same time and keep the best chunks, each text once.

    A store that fails costs a warning. Raises `EngineUnavailable` when every store failed.
    """
    if not store_ids:
        return Retrieved()
    found = await together(_search(engine, store_id, query, max_chunks) for store_id in store_ids)
    failures = [result for result in found if isinstance(result, TurnWarning)]
    if len(failures) == len(store_ids):
        raise EngineUnavailable(f"No vector store could be searched. {failures[0].message}")
    chunks = (chunk for result in found if not isinstance(result, TurnWarning) for chunk in result)
    return Retrieved(chunks=_best(chunks, max_chunks), warnings=tuple(failures))


def referenced_documents(chunks: Iterable[RagChunk]) -> tuple[ReferencedDocument, ...]:
    """List the documents of the chunks in their order, each URL and title once."""
    documents: dict[tuple[str | None, str | None], ReferencedDocument] = {}
    for chunk in chunks:
        documents.setdefault(
            (chunk.url, chunk.title),
            ReferencedDocument(
                doc_url=chunk.url,
                doc_title=chunk.title,
                source=chunk.source,
                document_id=chunk.document_id,
            ),
        )
    return tuple(documents.values())


async def _search(
    engine: Engine, store_id: str, query: str, limit: int
) -> list[RagChunk] | TurnWarning:
    try:
        return await engine.search(store_id, query, limit=limit)
    except LightspeedError as error:
        logger.warning("search failed store_id=%s code=%s: %s", store_id, error.code, error)
        return TurnWarning(
            code="vector_store_failed",
            message=f"Vector store {store_id} could not be searched: {error.cause}",
        )


def _best(chunks: Iterable[RagChunk], limit: int) -> tuple[RagChunk, ...]:
    """Order by score; the sort is stable, so chunks without a score keep their store's order."""
    ranked = sorted(chunks, key=lambda chunk: chunk.score or 0.0, reverse=True)
    unique: dict[str, RagChunk] = {}
    for chunk in ranked:
        unique.setdefault(chunk.content.strip(), chunk)
    return tuple(unique.values())[:limit]
