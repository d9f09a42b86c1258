"""The retrieval stage: what of the chunks of the chosen stores stands behind the answer.

Knows the engine port alone; `sources` chooses the stores, and `passages` decides how chunks enter
the prompt.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from lightspeed_core.assistant.sources import Source
from lightspeed_core.assistant.together import together
from lightspeed_core.domain.retrieval import RagChunk, ReferencedDocument
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import EngineUnavailable, LightspeedError

logger = logging.getLogger(__name__)

DEFAULT_MAX_CHUNKS = 5
TEXT_SECONDS: Final = 10.0
OWN_STORES_PREFERRED: Final = 1.2
"""What the scores of a reranker are multiplied with for stores of `rag.byok`."""


class Reranker(Protocol):
    """Judges chunks by their text alone, whatever their store thought of them."""

    async def rerank(self, query: str, chunks: Sequence[RagChunk]) -> Sequence[float]:
        """Return a score for each chunk, in their order; 0 or more, and more is better.

        Raises a `LightspeedError`, which costs a warning and leaves the stores' own scores.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Chunks in the order of their numbers, and what went wrong."""

    chunks: tuple[RagChunk, ...] = ()
    warnings: tuple[TurnWarning, ...] = ()


async def wait_for_text(stored: asyncio.Event) -> None:
    """Return once there is something to find in a first start, or after a bounded wait."""
    if not stored.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(TEXT_SECONDS):
                await stored.wait()


async def retrieve(
    engine: Engine,
    query: str,
    sources: Sequence[Source],
    *,
    max_chunks: int = DEFAULT_MAX_CHUNKS,
    byok_chunks: int | None = None,
    reranker: Reranker | None = None,
) -> Retrieved:
    """Search the stores at the same time and keep the best chunks, each text once.

    Scores are weighed as the stores' settings say; of those of `rag.byok` at most `byok_chunks`
    are kept. A store that fails costs a warning. Raises `EngineUnavailable` when every store
    failed.
    """
    if not sources:
        return Retrieved()
    found = await together(_search(engine, source, query, max_chunks) for source in sources)
    failures = [result for result in found if isinstance(result, TurnWarning)]
    if len(failures) == len(sources):
        raise EngineUnavailable(f"No vector store could be searched. {failures[0].message}")
    own: list[RagChunk] = []
    others: list[RagChunk] = []
    for source, result in zip(sources, found, strict=True):
        if not isinstance(result, TurnWarning):
            (own if source.is_byok else others).extend(result)
    if reranker is not None:
        try:
            own, others = await _reranked(reranker, query, own, others)
        except LightspeedError as error:
            logger.warning("reranking failed code=%s: %s", error.code, error)
            failures.append(_unranked(error))
    chunks = (*best_chunks(own, max_chunks if byok_chunks is None else byok_chunks), *others)
    return Retrieved(chunks=best_chunks(chunks, max_chunks), warnings=tuple(failures))


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
    engine: Engine, source: Source, query: str, limit: int
) -> list[RagChunk] | TurnWarning:
    try:
        found = await engine.search(source.store_id, query, limit=limit, mode=source.mode)
    except LightspeedError as error:
        logger.warning("search failed store_id=%s code=%s: %s", source.store_id, error.code, error)
        return TurnWarning(
            code="vector_store_failed",
            message=f"Vector store {source.name} could not be searched: {error.cause}",
        )
    return [_weighed(chunk, source) for chunk in found if _counts(chunk, source)]


def _unranked(error: LightspeedError) -> TurnWarning:
    return TurnWarning(
        code="reranker_failed", message=f"Passages were not ordered anew: {error.cause}"
    )


def _counts(chunk: RagChunk, source: Source) -> bool:
    return chunk.score is None or chunk.score >= source.lowest


def _weighed(chunk: RagChunk, source: Source) -> RagChunk:
    """Give a chunk the name under which its store is known, and its weight."""
    if not source.is_byok:
        return chunk
    score = None if chunk.score is None else chunk.score * source.multiplier
    return replace(chunk, score=score, source=source.name)


async def _reranked(
    reranker: Reranker, query: str, own: list[RagChunk], others: list[RagChunk]
) -> tuple[list[RagChunk], list[RagChunk]]:
    """Score chunks anew, and prefer those of one's own stores."""
    scores = await reranker.rerank(query, (*own, *others))
    weights = [OWN_STORES_PREFERRED] * len(own) + [1.0] * len(others)
    anew = [
        replace(chunk, score=score * weight)
        for chunk, score, weight in zip((*own, *others), scores, weights, strict=True)
    ]
    return anew[: len(own)], anew[len(own) :]


def best_chunks(chunks: Iterable[RagChunk], limit: int) -> tuple[RagChunk, ...]:
    """Keep the best, each text once.

    The sort is stable, so chunks without a score keep their store's order.
    """
    ranked = sorted(chunks, key=lambda chunk: chunk.score or 0.0, reverse=True)
    unique: dict[str, RagChunk] = {}
    for chunk in ranked:
        unique.setdefault(chunk.content.strip(), chunk)
    return tuple(unique.values())[:limit]
