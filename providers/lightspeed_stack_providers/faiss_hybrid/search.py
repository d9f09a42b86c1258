"""One search on one snapshot of the file. Knows no HTTP, no embedding model and no event loop."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from llama_stack_api import EmbeddedChunk, InvalidParameterError

from lightspeed_stack_providers.faiss_hybrid import chunk_rows, ranking, stores
from lightspeed_stack_providers.faiss_hybrid.derived import DerivedIndex, DerivedIndexes
from lightspeed_stack_providers.faiss_hybrid.query import SearchQuery
from lightspeed_stack_providers.faiss_hybrid.ranking import Ranking
from lightspeed_stack_providers.faiss_hybrid.stores import Store

type Found = list[tuple[EmbeddedChunk, float]]

_FUSION_DEPTH: Final = 50


class Searcher:
    """Searches the stores of one file. Not thread-safe; all calls come from the reading thread."""

    def __init__(self, language: str) -> None:
        self.indexes = DerivedIndexes(language)

    def search(self, connection: sqlite3.Connection, query: SearchQuery) -> Found:
        """Find chunks with scores in [0, 1], best first."""
        store = stores.get(connection, query.store_id)
        if query.vector is not None and len(query.vector) != store.embedding_dimension:
            raise InvalidParameterError(
                "embedding",
                f"a vector of {len(query.vector)} numbers",
                f"Vector store '{store.store_id}' has dimension {store.embedding_dimension}; "
                f"embed the query with '{store.embedding_model}'.",
            )
        index = self.indexes.current(connection, store)
        only = None if query.filters is None else index.select(connection, query.filters)
        ranked = [
            (key, score)
            for key, score in _rank(index, query, only)[: query.limit]
            if score >= query.score_threshold
        ]
        return _load(connection, store, ranked, with_embeddings=query.with_embeddings)


def _rank(index: DerivedIndex, query: SearchQuery, only: Sequence[int] | None) -> Ranking:
    depth = query.limit if query.mode != "hybrid" else max(_FUSION_DEPTH, 2 * query.limit)
    by_vector: Ranking = []
    by_words: Ranking = []
    if query.mode != "keyword" and query.vector is not None:
        by_vector = index.vectors.search(query.vector, depth, only=only)
    if query.mode != "vector":
        by_words = index.words.search(query.text, depth, only=only)
    match query.mode:
        case "vector":
            return [(key, ranking.cosine_score(cosine)) for key, cosine in by_vector]
        case "keyword":
            return [(key, ranking.bm25_score(bm25)) for key, bm25 in by_words]
        case "hybrid":
            return ranking.fuse([[key for key, _ in by_vector], [key for key, _ in by_words]])


def _load(
    connection: sqlite3.Connection, store: Store, ranked: Ranking, *, with_embeddings: bool
) -> Found:
    rows = connection.execute(
        "SELECT chunk_key, chunk_id, content, metadata, chunk_metadata, embedding"
        " FROM chunks LEFT JOIN vectors USING (chunk_key)"
        " WHERE chunk_key IN (SELECT value FROM json_each(?))",
        (json.dumps([key for key, _ in ranked]),),
    )
    chunks = {
        key: chunk_rows.embedded_chunk((*row, embedding if with_embeddings else None), store)
        for key, *row, embedding in rows
    }
    return [(chunks[key], score) for key, score in ranked]
