"""One search on one snapshot of the file. Knows no HTTP, no embedding model and no event loop."""

import json
import sqlite3

from lightspeed_stack_providers.faiss_hybrid import stores
from lightspeed_stack_providers.faiss_hybrid.derived import DerivedIndex, DerivedIndexes
from lightspeed_stack_providers.faiss_hybrid.selection import Selection
from lightspeed_stack_providers.vector_stores import ranking
from lightspeed_stack_providers.vector_stores.chunks import embedded_chunk, unpacked
from lightspeed_stack_providers.vector_stores.languages import Language
from lightspeed_stack_providers.vector_stores.query import SearchQuery
from lightspeed_stack_providers.vector_stores.ranking import Ranking
from lightspeed_stack_providers.vector_stores.records import Store
from lightspeed_stack_providers.vector_stores.shelf import Found


class Searcher:
    """Searches the stores of one file. Not thread-safe; all calls come from the reading thread."""

    def __init__(self, language: Language) -> None:
        self.indexes = DerivedIndexes(language)

    def search(self, connection: sqlite3.Connection, query: SearchQuery) -> Found | None:
        """Find chunks with scores in [0, 1], best first; None in a store that was replaced."""
        store = stores.get(connection, query.store_id)
        if store.store_key != query.store_key:
            return None
        query.require_dimension(store)
        index = self.indexes.current(connection, store)
        only = None if query.filters is None else index.select(connection, query.filters)
        ranked = [
            (key, score)
            for key, score in _rank(index, query, only)[: query.limit]
            if score >= query.score_threshold
        ]
        return _load(connection, store, ranked, with_embeddings=query.with_embeddings)


def _rank(index: DerivedIndex, query: SearchQuery, only: Selection | None) -> Ranking:
    depth = query.depth
    by_vector: Ranking = []
    by_words: Ranking = []
    if query.mode != "keyword" and query.vector is not None:
        by_vector = index.vectors.search(
            query.vector, depth, only=None if only is None else only.places
        )
    if query.mode != "vector":
        by_words = index.words.search(query.text, depth, only=None if only is None else only.keys)
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
        key: embedded_chunk((*row, unpacked(embedding) if with_embeddings else None), store)
        for key, *row, embedding in rows
    }
    return [(chunks[key], score) for key, score in ranked]
